import AgentModel
import NIOCore

/// A WebSocket client of a test (RFC 6455). Confined to the thread of its file.
final class TestWebSocket {
    /// A whole message of the server.
    struct Message {
        /// The envelope's `message_type`; nil for what has no envelope.
        var type: String?
        var data: ByteBuffer
        var isBinary: Bool
    }

    private enum Opcode: UInt8 {
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    private let connection: TestConnection
    private(set) var messages: [Message] = []
    /// Why the server closed; code 1006 when it did without saying why.
    private(set) var closed: (code: Int, reason: String)?
    private var isCloseSent = false

    /// What was agreed on.
    let subprotocol: String?

    init(_ connection: TestConnection, subprotocol: String?) {
        self.connection = connection
        self.subprotocol = subprotocol
    }

    /// The request for an upgrade, `fields` beside its own.
    static func handshake(path: String, fields: [(name: String, value: String)]) -> TestRequest {
        TestRequest(
            method: "GET", target: path,
            fields: [
                ("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] + fields)
    }

    // MARK: Sending

    func send(_ data: ByteBuffer, binary: Bool) {
        write(binary ? .binary : .text, data)
    }

    func close(code: Int, reason: String) {
        guard !isCloseSent, closed == nil else { return }
        isCloseSent = true
        var payload = ByteBuffer(integer: UInt16(truncatingIfNeeded: code))
        payload.writeString(reason)
        write(.close, payload)
    }

    private func write(_ opcode: Opcode, _ payload: ByteBuffer) {
        var frame = ByteBuffer(integer: 0x80 | opcode.rawValue)
        let count = payload.readableBytes
        switch count {
        case ...125: frame.writeInteger(0x80 | UInt8(count))
        case ...0xFFFF:
            frame.writeInteger(0x80 | UInt8(126))
            frame.writeInteger(UInt16(count))
        default:
            frame.writeInteger(0x80 | UInt8(127))
            frame.writeInteger(UInt64(count))
        }
        // A mask of zeros: a client must mask (section 5.3), and there is no proxy here to protect.
        frame.writeInteger(UInt32(0))
        frame.writeImmutableBuffer(payload)
        connection.send(frame)
    }

    // MARK: Receiving

    /// Reads the frames that have come. Call it after the loop has run.
    func collect() {
        while let (opcode, payload) = nextFrame() { receive(opcode, payload) }
        if !connection.isOpen, closed == nil { closed = (1006, "") }
    }

    private func receive(_ opcode: Opcode?, _ payload: ByteBuffer) {
        switch opcode {
        case .text, .binary:
            let type = (try? JSONValue(parsing: payload))?["message_type"]?.stringValue
            messages.append(Message(type: type, data: payload, isBinary: opcode == .binary))
        case .close:
            var payload = payload
            let code = payload.readInteger(as: UInt16.self).map(Int.init) ?? 1005
            closed = (code, String(buffer: payload))
            if !isCloseSent { write(.close, ByteBuffer(integer: UInt16(truncatingIfNeeded: code))) }
        case .ping: write(.pong, payload)
        case .pong, nil: break
        }
    }

    private func nextFrame() -> (Opcode?, ByteBuffer)? {
        let bytes = connection.received
        let begin = bytes.readerIndex
        guard let first = bytes.getInteger(at: begin, as: UInt8.self),
            let second = bytes.getInteger(at: begin + 1, as: UInt8.self)
        else { return nil }
        var header = 2
        var length = Int(second & 0x7F)
        if length == 126 {
            guard let long = bytes.getInteger(at: begin + 2, as: UInt16.self) else { return nil }
            (header, length) = (4, Int(long))
        } else if length == 127 {
            guard let long = bytes.getInteger(at: begin + 2, as: UInt64.self), let count = Int(exactly: long) else {
                return nil
            }
            (header, length) = (10, count)
        }
        guard bytes.readableBytes >= header + length else { return nil }
        _ = connection.consume(header)
        return (Opcode(rawValue: first & 0x0F), connection.consume(length))
    }

    /// Takes the first message, of a type if one is named.
    func take(_ type: String?) -> Message? {
        guard let index = messages.firstIndex(where: { type == nil || $0.type == type }) else { return nil }
        return messages.remove(at: index)
    }

    func disconnect() {
        connection.close()
        if closed == nil { closed = (1006, "") }
    }
}
