package import AgentModel
package import NIOCore

/// A WebSocket that the hub of its worker delivers to. Confined to the worker's loop.
package protocol RealtimeClient: WebSocketClient {
    var record: ClientRecord { get }
    /// Whether it is sent every event, whatever it is subscribed to.
    var receivesEveryEvent: Bool { get }
}

/// A Server-Sent Events response that stays open. Confined to the loop of its worker.
package protocol EventReader: AnyObject {
    var key: StreamKey { get }
    /// While earlier events are sent again: the offset of the next of them. Nil once the stream is live.
    var next: Int? { get set }
    var isOpen: Bool { get }
    /// False while a resuming stream must wait for its client.
    var takesMore: Bool { get }
    /// Sends events as they go on the wire.
    func deliver(_ buffer: ByteBuffer)
}

/// How messages become what connections send. Confined to a worker's loop, whose clients are all of one type that it knows.
package protocol RealtimeWire: AnyObject {
    /// A message as it goes on the wire, the same for all receivers on all workers.
    func encoded(_ envelope: Envelope, messageID: String) -> ByteBuffer
    /// Sends such bytes to clients of this loop: one call for all of them.
    func deliver(_ bytes: ByteBuffer, to clients: [any RealtimeClient])
}
