package import AgentModel
package import LuaRuntime
package import NIOCore

/// Host values as the script sees them.
extension Generation {
    /// Pushes a message's decoded payload and the `message` table beside it; returns 2. With `exact` numbers that Lua
    /// cannot hold exactly are strings. Throws, as all that pushes JSON here, when the payload's value does not fit into
    /// what is left of the script's memory, or takes longer than a handler may.
    package func pushMessage(
        _ message: any InboundMessage, attempt: Int, exact: Bool = false, on stack: LuaStack
    ) throws(LuaError) -> Int32 {
        try stack.pushPayload(message.payload, exact: exact)
        // Room for all fields at once: a Kafka record's with a key are ten.
        stack.newTable(array: 0, fields: message.source == .kafka ? 10 : 7)
        stack.push(message.topic)
        stack.setField("topic", of: -2)
        stack.push(message.source == .kafka ? "kafka" as StaticString : "mqtt")
        stack.setField("source", of: -2)
        stack.push(message.timestamp)
        stack.setField("timestamp", of: -2)
        stack.push(attempt)
        stack.setField("attempt", of: -2)
        if message.source == .kafka {
            stack.push(Int64(message.partition))
            stack.setField("partition", of: -2)
            stack.push(message.offset)
            stack.setField("offset", of: -2)
            if let key = message.key {
                stack.push(key)
                stack.setField("key", of: -2)
            }
            stack.setHeaders(message.headers)
        } else {
            stack.push(message.qos)
            stack.setField("qos", of: -2)
            stack.push(message.retain)
            stack.setField("retain", of: -2)
        }
        // Not absent: what a script passes on must not turn from a null value into nothing.
        if message.isTombstone { stack.pushNull() } else { stack.push(message.payload) }
        stack.setField("raw", of: -2)
        return 2
    }

    /// Pushes an event as `agent:on_event` handlers get it.
    package func pushEvent(_ event: RealtimeEvent, on stack: LuaStack) throws(LuaError) -> Int32 {
        stack.newTable(array: 0, fields: 10)
        stack.push(event.eventID)
        stack.setField("event_id", of: -2)
        stack.push(event.eventType)
        stack.setField("event_type", of: -2)
        stack.push(event.sourceService)
        stack.setField("source_service", of: -2)
        stack.pushOptional(event.sourceAgent, field: "source_agent")
        try pushJSON(event.data, on: stack)
        stack.setField("data", of: -2)
        stack.push(Timestamp.text(event.timestamp))
        stack.setField("timestamp", of: -2)
        stack.pushOptional(event.correlationID, field: "correlation_id")
        stack.pushOptional(event.streamID, field: "stream_id")
        stack.push(event.priority)
        stack.setField("priority", of: -2)
        stack.pushOptional(event.topic, field: "topic")
        return 1
    }

    /// Pushes JSON that the host itself made or checked; a string for what is not JSON after all.
    package func pushJSON(_ json: ByteBuffer, on stack: LuaStack) throws(LuaError) {
        let pushed = json.withUnsafeReadableBytes { bytes in
            Result { () throws(LuaError) in try stack.pushPayload(bytes) }
        }
        try pushed.get()
    }

    /// Pushes the bytes of a frame as a string.
    package func pushBytes(_ bytes: ByteBuffer, on stack: LuaStack) {
        bytes.withUnsafeReadableBytes { stack.push($0) }
    }

    /// Pushes the `client` of a WebSocket handler: its `id`, what is known of its request, and methods that reach it from
    /// any later handler too.
    package func pushClient(_ client: any WebSocketClient, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 3)
        stack.push(client.clientID)
        stack.setField("id", of: -2)
        stack.pushOptional(client.subprotocol, field: "subprotocol")
        requests.attach(client, on: stack)
    }
}

extension LuaStack {
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
