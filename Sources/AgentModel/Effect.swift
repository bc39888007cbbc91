package import NIOCore

/// Everything that a script does to the world, as a value that passes one point: the effect dispatcher. There it is
/// sent, or captured by a test, counted, and awaited before the message that caused it is acknowledged.
package enum Effect: Sendable {
    /// To a transport's broker.
    case send(TransportName, Record)
    case event(RealtimeEvent)
    /// To the WebSocket and Server-Sent Events subscribers of a topic; `data` is JSON.
    case publish(topic: String, data: ByteBuffer)
    /// To every WebSocket; `payload` is JSON.
    case broadcast(type: String, payload: ByteBuffer)
    /// To one WebSocket client; `payload` is JSON.
    case client(id: String, type: String, payload: ByteBuffer)
    /// A frame of a raw endpoint's own protocol.
    case clientFrame(id: String, data: ByteBuffer, binary: Bool)
    case clientClose(id: String, code: Int, reason: String)
}

/// The dispatcher's immediate answer to an effect.
package enum EffectAnswer: Sendable {
    /// Taken; `reached` is the number of WebSocket and Server-Sent Events receivers where that is what was asked.
    case taken(reached: Int)
    /// Not taken, for a reason that a script can expect: an unknown client, a broker that is not configured.
    case refused(String)
}
