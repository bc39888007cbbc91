package import AgentModel
package import NIOCore

/// A WebSocket that the hub of its worker delivers to. Confined to the worker's loop.
package protocol RealtimeClient: WebSocketClient {
    var record: ClientRecord { get }
    /// Whether it is sent every event, whatever it is subscribed to.
    var receivesEveryEvent: Bool { get }
    /// The topics it is subscribed to.
    var subscriptions: Set<String> { get }
    /// Sends a frame that other clients may be sent too. False: the client is gone.
    @discardableResult func deliver(_ frame: SharedFrame) -> Bool
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

/// A frame that goes to many clients of a loop.
package struct SharedFrame {
    package let bytes: ByteBuffer
    /// The same for all that are sent it, and no other frame's of the loop's turn: what has the same history is joined
    /// once.
    package let number: Int

    package init(bytes: ByteBuffer, number: Int) {
        self.bytes = bytes
        self.number = number
    }
}

/// How messages become what connections send. Confined to a worker's loop.
package protocol RealtimeWire: AnyObject {
    /// A message as it goes on the wire, the same for all receivers on all workers.
    func encoded(_ envelope: Envelope, messageID: String) -> ByteBuffer
    /// Such bytes, to be delivered to clients of this loop now.
    func frame(_ bytes: ByteBuffer) -> SharedFrame
}
