import AgentAPI
import NIOCore
import NIOEmbedded

/// A connection to the server under test, in memory: the server reads and writes it as it would a socket. Confined to the
/// thread of its file.
final class TestConnection {
    private let channel: EmbeddedChannel
    /// What the server has sent and nobody has looked at.
    private(set) var received = ByteBuffer()
    private(set) var isOpen = true

    init(to server: AgentServer, on loop: EmbeddedEventLoop) throws {
        channel = EmbeddedChannel(loop: loop)
        try server.serve(channel)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 8080), promise: nil)
    }

    func send(_ bytes: ByteBuffer) {
        guard channel.isActive else { return }
        // An error of the server's handler closes the connection, which is what the test sees.
        _ = try? channel.writeInbound(bytes)
    }

    /// Takes what the server has written. Call it after the loop has run.
    func collect() {
        while let next = try? channel.readOutbound(as: ByteBuffer.self) {
            received.writeImmutableBuffer(next)
        }
        if !channel.isActive { isOpen = false }
    }

    /// Takes bytes off the front of what was received.
    func consume(_ count: Int) -> ByteBuffer {
        defer { received.discardReadBytes() }
        return received.readSlice(length: count) ?? ByteBuffer()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        if channel.isActive { channel.close(promise: nil) }
    }

    /// A response's head, once it is there whole.
    func readHead() -> ResponseHead? {
        let bytes = received.readableBytesView
        guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else { return nil }
        let text = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        _ = consume(end.upperBound - bytes.startIndex)
        return ResponseHead(text)
    }
}

/// The head of a response that a test gets.
struct ResponseHead {
    let status: Int
    /// Names in lower case.
    let fields: [(name: String, value: String)]

    init(_ text: String) {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        fields = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
    }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}
