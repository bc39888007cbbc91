import HTTP1
import NIOCore
import NIOWebSocket
import Realtime

/// Realtime messages as WebSocket frames, which go out at the end of the loop's turn. Confined to the loop.
final class TurnWire: RealtimeWire {
    private let turnEnd: TurnEnd

    init(_ turnEnd: TurnEnd) { self.turnEnd = turnEnd }

    func encoded(_ envelope: Envelope, messageID: String) -> ByteBuffer {
        WebSocketFrame.make(.text, capacity: envelope.capacity) { envelope.write(messageID: messageID, to: &$0) }
    }

    func deliver(_ bytes: ByteBuffer, to clients: [any RealtimeClient]) {
        let frame = turnEnd.frames.frame(bytes)
        // `WebSocketConnection` is what joins the hubs that have this wire, so nothing is looked up for each of them.
        for client in clients { unsafeDowncast(client, to: WebSocketConnection.self).deliver(frame) }
    }
}
