package import AgentModel
package import LuaRuntime
package import NIOCore

/// Messages and payloads as the script sees them.
extension LuaStack {
    /// Pushes a message's payload in the form that the handler asked for, and the `message` table beside it; returns 2.
    /// Throws, as all that pushes JSON here, when the payload's value does not fit into what is left of the script's
    /// memory, or takes longer than a handler may.
    package func push(
        _ message: any InboundMessage, attempt: Int, as form: HandlerTable.PayloadForm = .decoded
    ) throws(LuaError) -> Int32 {
        switch form {
        case .decoded: try pushPayload(message.payload)
        case .exact: try pushPayload(message.payload, exact: true)
        // Not absent: what a script passes on must not turn from a null value into nothing.
        case .bytes: if message.isTombstone { pushNull() } else { push(message.payload) }
        }
        let isKafkas = message.source == .kafka
        // Room for all fields at once: a Kafka record's with a key are ten.
        newTable(array: 0, fields: isKafkas ? 10 : 7)
        put("topic", message.topic)
        push(isKafkas ? "kafka" as StaticString : "mqtt")
        putValue("source")
        put("timestamp", message.timestamp)
        put("attempt", attempt)
        if isKafkas {
            put("partition", Int64(message.partition))
            put("offset", message.offset)
            if let key = message.key { put("key", key) }
            setHeaders(message.headers)
        } else {
            put("qos", message.qos)
            put("retain", message.retain)
        }
        if form == .bytes {
            pushValue(at: -2)
            putValue("raw")
        } else if message.isTombstone {
            pushNull()
            putValue("raw")
        } else {
            put("raw", message.payload)
        }
        return 2
    }

    /// Pushes JSON that the host itself made or checked; a string for what is not JSON after all.
    package func push(json: ByteBuffer) throws(LuaError) {
        let pushed = json.withUnsafeReadableBytes { bytes in
            Result { () throws(LuaError) in try pushPayload(bytes) }
        }
        try pushed.get()
    }

    /// Pushes the bytes of a frame as a string.
    package func push(bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { push($0) }
    }

    /// Pushes what JSON bytes mean; bytes that are not JSON as a string, and none at all (a Kafka tombstone) as null.
    func pushPayload(_ bytes: UnsafeRawBufferPointer, exact: Bool = false) throws(LuaError) {
        guard bytes.baseAddress != nil else {
            pushNull()
            return
        }
        do throws(JSONDecodingError) {
            try pushJSON(bytes, exact: exact)
        } catch {
            if let refusal = error.refusal { throw refusal }
            push(bytes)
        }
    }

    /// Sets a field of the table on top to a text, or leaves it out.
    func pushOptional(_ text: String?, field: StaticString) {
        guard let text else { return }
        push(text)
        setField(field, of: -2)
    }
}
