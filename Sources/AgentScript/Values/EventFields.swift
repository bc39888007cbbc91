package import AgentModel
package import LuaRuntime
package import NIOCore

/// The table by which a script, or a test, gives an event.
package struct EventFields {
    private static let known = [
        "event_type", "data", "topic", "stream_id", "correlation_id", "priority", "source_service", "source_agent",
    ]

    package let type: String
    package let topic: String?
    private let reader: TableReader

    /// Reads the argument at the index; its type must be there.
    package init(_ arguments: Arguments, at index: Int32) throws(LuaFailure) {
        guard let reader = try arguments.options(index, "event", known: Self.known) else {
            throw arguments.wrong("event", "table", at: index)
        }
        guard let type = try reader.string("event_type"), !type.isEmpty else {
            throw reader.wrong("event_type", "string")
        }
        self.reader = reader
        self.type = type
        topic = try reader.string("topic")
    }

    /// The data as JSON. Where nobody hears the event it is checked all the same, and not made.
    package func data(isHeard: Bool) throws(LuaFailure) -> ByteBuffer {
        let stack = reader.stack
        let kind = stack.getField("data", of: reader.index)
        defer { stack.pop(1) }
        if kind == .nil { return ByteBuffer(staticString: "{}") }
        guard kind == .table, !stack.isArray(at: -1), stack.length(of: -1) == 0 else {
            throw reader.wrong("data", "table of named fields")
        }
        if isHeard { return try stack.jsonBuffer(at: -1, path: "data") }
        do throws(LuaError) { try stack.checkJSON(at: -1, path: "data") } catch { throw LuaFailure(error.message) }
        return ByteBuffer()
    }

    /// The event. `service` and `agent` are its source where the table names none; `time` is in milliseconds since 1970.
    package func event(
        id: String, data: ByteBuffer, time: Int64, service: String, agent: String?
    ) throws(LuaFailure) -> RealtimeEvent {
        RealtimeEvent(
            eventID: id, eventType: type, sourceService: try reader.string("source_service") ?? service,
            sourceAgent: try reader.string("source_agent") ?? agent, data: data, timestamp: time,
            correlationID: try reader.string("correlation_id"), streamID: try reader.string("stream_id"),
            priority: try reader.integer("priority", in: 1...3) ?? 1, topic: topic)
    }
}
