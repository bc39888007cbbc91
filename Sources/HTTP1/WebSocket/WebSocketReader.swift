package import NIOCore
import NIOWebSocket

/// Reads the frames of a client and puts messages together (RFC 6455 sections 5 to 8): a value without I/O.
///
/// It fails as early as the bytes allow: a header that must not be at its second byte, text that is no UTF-8 at its
/// first wrong byte. (NIO's decoder hands over whole frames, which is too late for that, and copies them once more.)
package struct WebSocketReader {
    /// What the bytes were.
    package enum Event {
        /// Everything was consumed that can be.
        case incomplete
        /// A whole message, in `message`.
        case message(binary: Bool)
        case ping(ByteBuffer)
        case pong
        /// The peer closes; nil: it sent no code.
        case close(code: Int?)
        /// The connection must be failed with the code.
        case failure(code: Int, reason: String)
    }

    private struct Header {
        var opcode: UInt8
        var isFinal: Bool
        var length: Int
        var mask: UInt32
        /// Bytes of the header itself.
        var size: Int
    }

    /// The frame within a data message whose payload is being read.
    private struct Payload {
        var remaining: Int
        /// Turned so that its first byte is for the next byte of the payload.
        var mask: UInt32
        var isFinal: Bool
    }

    /// The data of the message so far.
    package var message = ByteBuffer()
    private let maxMessageBytes: Int
    private var payload: Payload?
    /// Between the first frame of a message and its last.
    private var isInMessage = false
    private var isBinary = false
    private var validator = UTF8Validator()

    /// - Parameter maxMessageBytes: of all fragments of a message together; more is a failure (1009).
    package init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    /// Whether `message` holds a part of a message that is not yet complete.
    package var isAccumulating: Bool { isInMessage }

    /// Consumes up to the end of one frame.
    package mutating func next(_ input: inout ByteBuffer) -> Event {
        while true {
            if payload != nil {
                if let event = readPayload(&input) { return event }
                continue
            }
            switch input.withUnsafeReadableBytes(header) {
            case .incomplete: return .incomplete
            case .failure(let code, let reason): return .failure(code: code, reason: reason)
            case .header(let header):
                if header.opcode >= 0x8 {
                    guard input.readableBytes >= header.size + header.length else { return .incomplete }
                    input.moveReaderIndex(forwardBy: header.size)
                    return control(header, &input)
                }
                input.moveReaderIndex(forwardBy: header.size)
                begin(header)
            }
        }
    }

    // MARK: Header

    private enum HeaderProgress {
        case incomplete
        case header(Header)
        case failure(code: Int, reason: String)
    }

    private func header(_ bytes: UnsafeRawBufferPointer) -> HeaderProgress {
        guard bytes.count >= 2 else { return .incomplete }
        let first = bytes[0]
        let opcode = first & 0x0F
        let isFinal = first & 0x80 != 0
        if first & 0x70 != 0 { return .failure(code: 1002, reason: "reserved bits are set") }
        if bytes[1] & 0x80 == 0 { return .failure(code: 1002, reason: "a client must mask its frames") }
        let short = Int(bytes[1] & 0x7F)
        switch opcode {
        case 0x0 where !isInMessage: return .failure(code: 1002, reason: "a continuation of no message")
        case 0x1 where isInMessage, 0x2 where isInMessage:
            return .failure(code: 1002, reason: "a message within a message")
        case 0x0...0x2: break
        case 0x8...0xA where !isFinal: return .failure(code: 1002, reason: "a control frame must not be fragmented")
        case 0x8...0xA where short > 125: return .failure(code: 1002, reason: "a control frame is too long")
        case 0x8...0xA: break
        default: return .failure(code: 1002, reason: "reserved opcode")
        }
        let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
        guard bytes.count >= 2 + lengthBytes else { return .incomplete }
        let length = (0..<lengthBytes).reduce(lengthBytes == 0 ? UInt64(short) : 0) { $0 << 8 | UInt64(bytes[2 + $1]) }
        if opcode < 0x8, length > UInt64(maxMessageBytes - (isInMessage ? message.readableBytes : 0)) {
            return length > UInt64(Int64.max)
                ? .failure(code: 1002, reason: "invalid length")
                : .failure(code: 1009, reason: "message larger than \(maxMessageBytes) bytes")
        }
        let size = 2 + lengthBytes + 4
        guard bytes.count >= size else { return .incomplete }
        let mask = bytes.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self)
        return .header(Header(opcode: opcode, isFinal: isFinal, length: Int(length), mask: mask, size: size))
    }

    private mutating func begin(_ header: Header) {
        if !isInMessage {
            isInMessage = true
            isBinary = header.opcode == 0x2
            validator = UTF8Validator()
            message.clear()
        }
        payload = Payload(remaining: header.length, mask: header.mask, isFinal: header.isFinal)
    }

    // MARK: Payload

    private mutating func readPayload(_ input: inout ByteBuffer) -> Event? {
        guard var current = payload else { return nil }
        let count = min(current.remaining, input.readableBytes)
        if count > 0 {
            let written = message.writerIndex
            input.readWithUnsafeReadableBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                message.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
                    Self.unmask(part, with: current.mask, to: target)
                    return count
                }
                return count
            }
            let turn = UInt32(count & 3) * 8
            // The mask is as it lay in memory: its first byte is the lowest.
            let mask = UInt32(littleEndian: current.mask)
            current.mask = UInt32(littleEndian: turn == 0 ? mask : mask >> turn | mask << (32 - turn))
            current.remaining -= count
            if !isBinary {
                let isValid = message.withUnsafeReadableBytes { bytes in
                    let begin = written - message.readerIndex
                    return validator.accept(UnsafeRawBufferPointer(rebasing: bytes[begin...]))
                }
                if !isValid { return .failure(code: 1007, reason: "text is not UTF-8") }
            }
        }
        guard current.remaining == 0 else {
            payload = current
            return .incomplete
        }
        payload = nil
        // The frame has ended; nothing to tell unless the message has too.
        guard current.isFinal else { return nil }
        isInMessage = false
        if !isBinary, !validator.isComplete { return .failure(code: 1007, reason: "text is not UTF-8") }
        return .message(binary: isBinary)
    }

    /// Eight bytes at a time, as the mask repeats every four.
    private static func unmask(
        _ bytes: UnsafeRawBufferPointer, with mask: UInt32, to target: UnsafeMutableRawBufferPointer
    ) {
        let wide = UInt64(mask) << 32 | UInt64(mask)
        var at = 0
        while bytes.count - at >= 8 {
            let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ wide
            target.storeBytes(of: word, toByteOffset: at, as: UInt64.self)
            at += 8
        }
        withUnsafeBytes(of: wide) { mask in
            while at < bytes.count {
                target[at] = bytes[at] ^ mask[at & 3]
                at += 1
            }
        }
    }

    // MARK: Control frames

    private func control(_ header: Header, _ input: inout ByteBuffer) -> Event {
        var data = ByteBuffer()
        input.readWithUnsafeReadableBytes { bytes in
            data.writeWithUnsafeMutableBytes(minimumWritableBytes: header.length) { target in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<header.length])
                Self.unmask(part, with: header.mask, to: target)
                return header.length
            }
            return header.length
        }
        switch header.opcode {
        case 0x9: return .ping(data)
        case 0xA: return .pong
        default: return Self.close(&data)
        }
    }

    private static func close(_ data: inout ByteBuffer) -> Event {
        if data.readableBytes == 0 { return .close(code: nil) }
        guard let code = data.readInteger(as: UInt16.self), isValidCode(Int(code)) else {
            return .failure(code: 1002, reason: "invalid close code")
        }
        var validator = UTF8Validator()
        let isValid = data.withUnsafeReadableBytes { validator.accept($0) } && validator.isComplete
        return isValid ? .close(code: Int(code)) : .failure(code: 1007, reason: "close reason is not UTF-8")
    }

    /// The codes that may be sent (RFC 6455 section 7.4, and what IANA registered since).
    package static func isValidCode(_ code: Int) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
