import AgentModel
import HTTP1
import NIOCore
import NIOWebSocket

/// What the server sends to a WebSocket, once it is a frame all subscribers share:
/// `{"message_id","message_type","payload","timestamp","correlation_id","response_to"}`.
struct Envelope {
    var type: String
    /// JSON.
    var payload: ByteBuffer
    var correlationID: String?
    var responseTo: String?

    func frame(messageID: String) -> ByteBuffer {
        WebSocketFrame.make(.text, capacity: payload.readableBytes + 256) { buffer in
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
}

/// The types of messages that the server sends of itself.
enum ServerMessage {
    static let established = "connection_established"
    static let subscribed = "subscription_confirmed"
    static let unsubscribed = "unsubscription_confirmed"
    static let pong = "pong"
    static let agentResponse = "agent_response"
    static let error = "error"
    static let event = "realtime_event"
    static let broadcast = "broadcast"
    static let topic = "topic_message"

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
