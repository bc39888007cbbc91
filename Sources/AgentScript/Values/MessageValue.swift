package import AgentModel
package import LuaRuntime
package import NIOCore

/// Messages and payloads as the script sees them.
extension LuaStack {
    /// Pushes a message's payload in the form that the handler asked for, and the `message` table beside it; returns 2.
    /// Throws, as all that pushes JSON here, when the payload's value does not fit into what is left of the script's
    /// memory, or takes longer than a handler may.
    package func push(
        _ message: any InboundMessage, attempt: Int, as form: HandlerTable.PayloadForm = .decoded,
        showing fields: MessageFields = .all
    ) throws(LuaError) -> Int32 {
        try push(payloadOf: message, as: form)
        if fields.isEmpty { return 1 }
        newTable(array: 0, fields: Int32(fields.rawValue.nonzeroBitCount))
        _ = fill(message, attempt: attempt, as: form, showing: fields)
        return 2
    }

    /// As above, in the handler's own form; `table` is to be given back to `handler.tables`, where it is one, when the
    /// handler has returned.
    package func push(
        _ message: any InboundMessage, attempt: Int, for handler: HandlerTable.Message, table: inout LuaReference?
    ) throws(LuaError) -> Int32 {
        guard let tables = handler.tables else {
            return try push(message, attempt: attempt, as: handler.payload, showing: handler.fields)
        }
        try push(payloadOf: message, as: handler.payload)
        let taken = tables.take(on: self)
        let left = fill(message, attempt: attempt, as: handler.payload, showing: handler.fields)
        if let left {
            // As a key that the message before had.
            for field in MessageField.contract where !left.isDisjoint(with: MessageFields(field)) {
                pushNil()
                putValue(field.name)
            }
            table = taken
        } else {
            release(taken)
        }
        return 2
    }

    private func push(
        payloadOf message: any InboundMessage, as form: HandlerTable.PayloadForm
    ) throws(LuaError) {
        switch form {
        case .decoded: try pushPayload(message.payload)
        case .exact: try pushPayload(message.payload, exact: true)
        // Not absent: what a script passes on must not turn from a null value into nothing.
        case .bytes: if message.isTombstone { pushNull() } else { push(message.payload) }
        }
    }

    /// Fills the table on top, above the payload. Answers which of the fields the message has not; nil: it has some that the
    /// contract does not know.
    private func fill(
        _ message: any InboundMessage, attempt: Int, as form: HandlerTable.PayloadForm, showing fields: MessageFields
    ) -> MessageFields? {
        if fields.contains(.topic) { put("topic", message.topic) }
        if fields.contains(.source) { put("source", message.transport.name.description) }
        if fields.contains(.timestamp) { put("timestamp", message.timestamp) }
        if fields.contains(.attempt) { put("attempt", attempt) }
        var left = fields
        var isKnown = true
        message.eachField { field, value in
            guard fields.shows(field) else { return }
            left.subtract(MessageFields(field))
            isKnown = isKnown && field.number != nil
            switch value() {
            case .integer(let value): put(field.name, value)
            case .flag(let value): put(field.name, value)
            case .bytes(let bytes): put(field.name, bytes)
            case .headers(let headers):
                pushHeadersByName(headers)
                putValue(field.name)
            case .headerList(let headers):
                pushHeaderList(headers)
                putValue(field.name)
            }
        }
        if fields.contains(.raw) {
            if form == .bytes {
                pushValue(at: -2)
            } else if message.isTombstone {
                pushNull()
            } else {
                push(message.payload)
            }
            putValue("raw")
        }
        return isKnown ? left : nil
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
