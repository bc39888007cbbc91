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

    func frame(_ bytes: ByteBuffer) -> SharedFrame {
        let frame = turnEnd.frames.frame(bytes)
        return SharedFrame(bytes: frame.bytes, number: frame.number)
    }
}
