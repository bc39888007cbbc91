import AgentModel
import NIOCore

/// A WebSocket client that can also do what no client should.
struct WebSocketProbe {
    struct Frame: Equatable {
        var first: UInt8
        var payload: [UInt8]

        var opcode: UInt8 { first & 0x0F }
        var text: String { String(decoding: payload, as: UTF8.self) }
        /// The code of a close frame; nil when it has none.
        var closeCode: Int? { payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    }

    struct NotUpgraded: Error { var reply: Reply }

    let connection: RawConnection

    static func open<Result>(
        _ port: Int, _ path: String, receiveBuffer: Int? = nil, _ body: (WebSocketProbe) async throws -> Result
    ) async throws -> Result {
        try await RawConnection.open(port, receiveBuffer: receiveBuffer) { connection in
            try await connection.send(handshake(path, port))
            let reply = try await connection.reply()
            guard reply.status == 101, reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
                throw NotUpgraded(reply: reply)
            }
            return try await body(WebSocketProbe(connection: connection))
        }
    }

    /// The example of RFC 6455 section 1.3.
    static func handshake(_ path: String, _ port: Int, _ extra: String = "") -> String {
        """
        GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(extra)\r\n
        """
    }

    static func frame(_ first: UInt8, _ payload: [UInt8], isMasked: Bool = true) -> [UInt8] {
        let mask: [UInt8] = isMasked ? [0x37, 0xFA, 0x21, 0x3D] : []
        let flag: UInt8 = isMasked ? 0x80 : 0
        var bytes = [first]
        switch payload.count {
        case ...125: bytes.append(flag | UInt8(payload.count))
        case ...0xFFFF: bytes += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [flag | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        bytes += mask
        bytes += isMasked ? payload.enumerated().map { $1 ^ mask[$0 % 4] } : payload
        return bytes
    }

    func send(_ first: UInt8, _ payload: [UInt8], isMasked: Bool = true) async throws {
        try await connection.send(Self.frame(first, payload, isMasked: isMasked))
    }

    func send(text: String) async throws {
        try await send(0x81, Array(text.utf8))
    }

    func receive() async throws -> Frame {
        let head = try await connection.receive(count: 2)
        var length = Int(head[1])
        if length >= 126 {
            length = try await connection.receive(count: length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(first: head[0], payload: try await connection.receive(count: length))
    }

    /// The next enveloped message; pings are answered by nobody.
    func message() async throws -> JSONValue {
        while true {
            let frame = try await receive()
            if frame.opcode == 0x9 { continue }
            return try JSONValue(parsing: frame.text)
        }
    }

    /// The next message of a type.
    func message(_ type: String) async throws -> JSONValue {
        while true {
            let message = try await message()
            if message["message_type"] == .string(type) { return message }
        }
    }

    /// The pong is answered after the subscription, whatever confirmations of automatic topics are still to be read.
    func subscribe(_ topic: String) async throws {
        try await send(text: #"{"message_type":"subscribe","payload":{"topic":"\#(topic)"}}"#)
        try await send(text: #"{"message_type":"ping","payload":{}}"#)
        _ = try await message("pong")
    }
}
