package import AgentModel
package import LuaRuntime

extension LuaStack {
    /// Pushes an event as `agent:on_event` handlers get it.
    package func push(_ event: RealtimeEvent) throws(LuaError) -> Int32 {
        newTable(array: 0, fields: 10)
        push(event.eventID)
        setField("event_id", of: -2)
        push(event.eventType)
        setField("event_type", of: -2)
        push(event.sourceService)
        setField("source_service", of: -2)
        pushOptional(event.sourceAgent, field: "source_agent")
        try push(json: event.data)
        setField("data", of: -2)
        push(Timestamp.text(event.timestamp))
        setField("timestamp", of: -2)
        pushOptional(event.correlationID, field: "correlation_id")
        pushOptional(event.streamID, field: "stream_id")
        push(event.priority)
        setField("priority", of: -2)
        pushOptional(event.topic, field: "topic")
        return 1
    }
}
