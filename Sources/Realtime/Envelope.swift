import AgentModel
package import NIOCore

/// What the server sends to a WebSocket, once for all subscribers:
/// `{"message_id","message_type","payload","timestamp","correlation_id","response_to"}`.
package struct Envelope {
    package var type: String
    /// JSON.
    package var payload: ByteBuffer
    package var correlationID: String?
    package var responseTo: String?

    package init(type: String, payload: ByteBuffer, correlationID: String? = nil, responseTo: String? = nil) {
        self.type = type
        self.payload = payload
        self.correlationID = correlationID
        self.responseTo = responseTo
    }

    /// How many bytes `write` needs, about.
    package var capacity: Int { payload.readableBytes + 256 }

    package func write(messageID: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"message_id\":\"")
        buffer.writeString(messageID)
        buffer.writeStaticString("\",\"message_type\":")
        buffer.writeJSONString(type)
        buffer.writeStaticString(",\"payload\":")
        buffer.writeImmutableBuffer(payload)
        buffer.writeStaticString(",\"timestamp\":\"")
        buffer.writeTimestamp(Timestamp.now())
        buffer.writeStaticString("\",\"correlation_id\":")
        buffer.writeJSONStringOrNull(correlationID)
        buffer.writeStaticString(",\"response_to\":")
        buffer.writeJSONStringOrNull(responseTo)
        buffer.writeStaticString("}")
    }
}

/// The types of messages that the server sends of itself.
package enum ServerMessage {
    package static let established = "connection_established"
    package static let subscribed = "subscription_confirmed"
    package static let unsubscribed = "unsubscription_confirmed"
    package static let pong = "pong"
    package static let agentResponse = "agent_response"
    package static let error = "error"
    package static let event = "realtime_event"
    package static let broadcast = "broadcast"
    package static let topic = "topic_message"

    /// The payload of a `topic_message`, and what a topic's event stream shows.
    static func topicPayload(_ topic: String, _ data: ByteBuffer) -> ByteBuffer {
        var payload = ByteBufferAllocator().buffer(capacity: data.readableBytes + topic.utf8.count + 32)
        payload.writeStaticString("{\"topic\":")
        payload.writeJSONString(topic)
        payload.writeStaticString(",\"data\":")
        payload.writeImmutableBuffer(data)
        payload.writeStaticString("}")
        return payload
    }
}
