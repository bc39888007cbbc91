package import NIOCore

/// Something that happened in an agent, as WebSocket and Server-Sent Events clients and other agents see it
/// (contract section 5).
package struct RealtimeEvent: Sendable {
    /// UUID.
    package var eventID: String
    package var eventType: String
    package var sourceService: String
    package var sourceAgent: String?
    /// A JSON object, already encoded.
    package var data: ByteBuffer
    /// Milliseconds since 1970.
    package var timestamp: Int64
    package var correlationID: String?
    package var streamID: String?
    /// 1 to 3.
    package var priority: Int
    /// The topic whose subscribers receive the event beside those of all events; not a part of its JSON.
    package var topic: String?

    package init(
        eventID: String, eventType: String, sourceService: String, sourceAgent: String? = nil, data: ByteBuffer,
        timestamp: Int64, correlationID: String? = nil, streamID: String? = nil, priority: Int = 1, topic: String? = nil
    ) {
        self.eventID = eventID
        self.eventType = eventType
        self.sourceService = sourceService
        self.sourceAgent = sourceAgent
        self.data = data
        self.timestamp = timestamp
        self.correlationID = correlationID
        self.streamID = streamID
        self.priority = priority
        self.topic = topic
    }

    /// The event as its clients read it.
    package func json() -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 320 + data.readableBytes)
        buffer.writeStaticString("{\"event_id\":")
        buffer.writeJSONString(eventID)
        buffer.writeStaticString(",\"event_type\":")
        buffer.writeJSONString(eventType)
        buffer.writeStaticString(",\"source_service\":")
        buffer.writeJSONString(sourceService)
        buffer.writeStaticString(",\"source_agent\":")
        buffer.writeJSONStringOrNull(sourceAgent)
        buffer.writeStaticString(",\"data\":")
        buffer.writeImmutableBuffer(data)
        buffer.writeStaticString(",\"timestamp\":\"")
        buffer.writeTimestamp(timestamp)
        buffer.writeStaticString("\",\"correlation_id\":")
        buffer.writeJSONStringOrNull(correlationID)
        buffer.writeStaticString(",\"stream_id\":")
        buffer.writeJSONStringOrNull(streamID)
        buffer.writeStaticString(",\"priority\":")
        buffer.writeJSONInteger(Int64(priority))
        buffer.writeStaticString("}")
        return buffer
    }
}

/// The event types that the contract names; an agent may use any other name of its own.
package enum EventType {
    package static let taskStarted = "agent_task_started"
    package static let taskCompleted = "agent_task_completed"
    package static let taskFailed = "agent_task_failed"
    package static let dataProcessed = "data_processed"
    package static let alertTriggered = "alert_triggered"
    package static let statusUpdate = "status_update"
    package static let systemEvent = "system_event"
    package static let customEvent = "custom_event"

    package static let all = [
        taskStarted, taskCompleted, taskFailed, dataProcessed, alertTriggered, statusUpdate, systemEvent, customEvent,
    ]
}
