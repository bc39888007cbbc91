package import NIOCore
package import NIOWebSocket

/// Frames that the server sends: whole messages, never masked (RFC 6455 section 5.1).
package enum WebSocketFrame {
    /// The longest header of a frame without a mask.
    private static let longestHeader = 10

    /// A whole message of a raw endpoint; text must be UTF-8.
    package static func message(_ data: ByteBuffer, binary: Bool) -> ByteBuffer {
        make(binary ? .binary : .text, data)
    }

    /// A frame with a copy of the payload.
    package static func make(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        make(opcode, capacity: payload.readableBytes) { $0.writeImmutableBuffer(payload) }
    }

    /// A frame whose payload is written straight into it; the header is put before it when its length is known.
    package static func make(
        _ opcode: WebSocketOpcode, capacity: Int, _ write: (inout ByteBuffer) -> Void
    ) -> ByteBuffer {
        var frame = ByteBufferAllocator().buffer(capacity: capacity + longestHeader)
        frame.writeRepeatingByte(0, count: longestHeader)
        write(&frame)
        let count = frame.readableBytes - longestHeader
        let first = 0x80 | UInt8(webSocketOpcode: opcode)
        switch count {
        case ...125:
            frame.moveReaderIndex(to: 8)
            frame.setInteger(first, at: 8)
            frame.setInteger(UInt8(count), at: 9)
        case ...0xFFFF:
            frame.moveReaderIndex(to: 6)
            frame.setInteger(first, at: 6)
            frame.setInteger(UInt8(126), at: 7)
            frame.setInteger(UInt16(count), at: 8)
        default:
            frame.setInteger(first, at: 0)
            frame.setInteger(UInt8(127), at: 1)
            frame.setInteger(UInt64(count), at: 2)
        }
        return frame
    }

    /// `code` nil: a close frame without a body.
    package static func close(_ code: Int?, _ reason: String) -> ByteBuffer {
        make(.connectionClose, capacity: 125) { frame in
            guard let code else { return }
            frame.writeInteger(UInt16(truncatingIfNeeded: code))
            // A control frame's payload has at most 125 bytes; a character is not cut.
            var length = 0
            for character in reason {
                length += character.utf8.count
                if length > 123 { break }
                frame.writeString(String(character))
            }
        }
    }
}
