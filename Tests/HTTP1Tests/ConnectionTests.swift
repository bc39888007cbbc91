import AgentModel
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTP1

/// Bytes in, bytes out, with nothing behind the connection but a stub.
@Suite("A connection and what answers on it") struct ConnectionTests {
    /// Answers at once with the body it was sent, but for `/later`, which it answers when it is told to.
    private final class Echo: Service, Responder {
        var connection: HTTPConnection?
        private(set) var told: [String] = []
        private var waiting: (body: ByteBuffer, sequence: Int)?

        func responder(for connection: HTTPConnection) -> any Responder {
            self.connection = connection
            return self
        }

        func swept() {}

        func begin(isRepeated: Bool) -> ResponseHeads.Terms {
            told.append(isRepeated ? "again" : "new")
            return ResponseHeads.Terms(keepsAlive: connection?.head.keepsAlive ?? false)
        }

        func beginUnreadable() { told.append("unreadable") }
        func body(saying reason: String) -> ByteBuffer { ByteBuffer(string: reason) }
        var refusesWithoutBody: Bool { true }

        func respond(_ body: ByteBuffer) {
            guard let connection else { return }
            if connection.head.text(connection.head.path) == "/later" {
                waiting = (body, connection.sequence)
            } else {
                answer(body)
            }
        }

        func release() {
            guard let waiting, connection?.awaits(waiting.sequence) == true else { return }
            answer(waiting.body)
        }

        private func answer(_ body: ByteBuffer) {
            connection?.answer(jsonOf: body.readableBytes) { target in
                body.withUnsafeReadableBytes { target.copyMemory(from: $0) }
            }
        }

        func answered(_ status: Int, bytes: Int) { told.append("\(status) \(bytes)") }
        func answerBegan(_ status: Int) { told.append("\(status) …") }
        func answerEnded(bytes: Int) {}
        func clientGone() { told.append("gone") }
    }

    private let loop = EmbeddedEventLoop()
    private let echo = Echo()

    private func connect() throws -> (EmbeddedChannel, HTTPServer) {
        var settings = HTTPSettings()
        settings.hasVirtualClock = true
        let server = HTTPServer(
            eventLoop: loop, settings: settings, budget: ConnectionBudget(settings), sweepInterval: .seconds(1),
            logger: Logger(label: "test"))
        server.serve(echo)
        let channel = EmbeddedChannel(loop: loop)
        try server.accept(channel)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
        return (channel, server)
    }

    /// The answers, without the line of their date.
    private func answers(of channel: EmbeddedChannel) throws -> String {
        loop.run()
        var all = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { all += String(buffer: bytes) }
        return all.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("date: ") }
            .joined(separator: "\n")
    }

    private func request(_ path: String, _ body: String) -> ByteBuffer {
        ByteBuffer(string: "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private func answer(_ body: String) -> String {
        "HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: \(body.utf8.count)\n\n\(body)"
    }

    @Test("requests are answered in their order, those too that came while one was waiting")
    func order() throws {
        let (channel, server) = try connect()
        try channel.writeInbound(request("/now", "1"))
        #expect(try answers(of: channel) == answer("1"))
        try channel.writeInbound(request("/later", "2"))
        try channel.writeInbound(request("/now", "3"))
        #expect(try answers(of: channel) == "")
        #expect(server.answeringCount == 1)
        echo.release()
        #expect(try answers(of: channel) == answer("2") + answer("3"))
        #expect(echo.told == ["new", "200 1", "new", "200 1", "new", "200 1"])
        echo.connection = nil
        _ = try channel.finish()
    }

    @Test("what answers is told that a head came again")
    func again() throws {
        let (channel, _) = try connect()
        try channel.writeInbound(request("/now", "1"))
        try channel.writeInbound(request("/now", "2"))
        #expect(try answers(of: channel) == answer("1") + answer("2"))
        #expect(echo.told == ["new", "200 1", "again", "200 1"])
        echo.connection = nil
        _ = try channel.finish()
    }

    @Test("an answer that comes after the client has gone finds nobody, and the server keeps nothing")
    func gone() throws {
        let (channel, server) = try connect()
        try channel.writeInbound(request("/later", "1"))
        _ = try channel.finish()
        #expect(echo.told == ["new", "gone"])
        #expect(server.connectionCount == 0)
        echo.release()
        weak let connection = echo.connection
        echo.connection = nil
        loop.run()
        #expect(connection == nil)
    }

    @Test("what cannot be read is refused in the responder's words, and ends the connection")
    func refused() throws {
        let (channel, _) = try connect()
        try channel.writeInbound(ByteBuffer(string: "GET /\r\n\r\n"))
        let answer = try answers(of: channel)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\n"))
        #expect(answer.hasSuffix("connection: close\n\nInvalid request target"))
        #expect(echo.told == ["unreadable", "400 22"])
        echo.connection = nil
        _ = try? channel.finish()
    }
}
