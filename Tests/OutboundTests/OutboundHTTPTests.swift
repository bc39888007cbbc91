import AgentModel
import NIOCore
import NIOPosix
import Outbound
import Synchronization
import TestSupport
import Testing

/// The client behind `agenthost.http`, against a server that answers one line.
@Suite struct OutboundHTTPTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    /// What became of a request. Records a completion inside the call that makes it.
    private func outcome(_ call: HTTPCall) async throws -> Result<HTTPAnswer, DeliveryFailure> {
        let outbound = AsyncHTTPOutbound(group: group)
        let loop = group.next()
        let promise = loop.makePromise(of: Result<HTTPAnswer, DeliveryFailure>.self)
        try await loop.submit {
            var isInside = true
            _ = outbound.execute(call, on: loop) { result in
                #expect(!isInside)
                promise.succeed(result)
            }
            isInside = false
        }.get()
        let result = try await promise.futureResult.get()
        _ = await outbound.shutdown(within: .seconds(5))
        return result
    }

    private func get(
        _ url: String, method: String = "GET", headers: [(name: String, value: String)] = [], body: String? = nil
    ) async throws -> Result<HTTPAnswer, DeliveryFailure> {
        try await outcome(
            HTTPCall(
                method: method, url: url, headers: headers, body: body.map { ByteBuffer(string: $0) }, timeout: 5))
    }

    /// Runs the closure with the port of a server that answers every request with a head of these lines.
    private func withServer(
        answering answer: @escaping @Sendable (Int) -> String, run body: (Int) async throws -> Void
    )
        async throws
    {
        let count = Count()
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering { answer(count.next()) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await body(port)
        try await server.close()
    }

    @Test(
        "a request that fails at once fails on a later turn of the loop",
        arguments: [
            ("http://127.0.0.1:99999/", "is no port"), ("http://127.0.0.1:0/", "is no port"),
            ("http://127.0.0.1:-1/", "is no port"), ("http://127.0.0.1:99999999999999999999/", "is no port"),
            ("http://user:secret@127.0.0.1:65536/", "is no port"), ("http://[::1]:70000/", "is no port"),
            ("http://", ""), ("http:///path", ""), ("http://a b/", ""),
        ])
    func impossible(
        url: String, reason: String
    ) async throws {
        guard case .failure(let failure) = try await get(url) else {
            Issue.record("answered")
            return
        }
        #expect(reason.isEmpty || failure.description.contains(reason), "\(failure.description)")
    }

    @Test("a header, method or body that the client refuses is a failure")
    func refused() async throws {
        for (method, headers, body) in [
            ("GET", [(name: "a b: c", value: "d")], nil), ("TRACE", [], "x"),
            ("GET", [(name: "a", value: "b\nc")], nil),
        ] as [(String, [(name: String, value: String)], String?)] {
            guard case .failure = try await get("http://127.0.0.1:9/", method: method, headers: headers, body: body)
            else {
                Issue.record("\(method) answered")
                return
            }
        }
    }

    @Test("a redirect is followed, at most five times, not in a circle, and not to a port that is none")
    func redirects() async throws {
        try await withServer(
            answering: { _ in "302 Found\r\nLocation: http://127.0.0.1:99999/" },
            run: { port in
                guard case .failure(let failure) = try await get("http://127.0.0.1:\(port)/") else {
                    Issue.record("answered")
                    return
                }
                #expect(failure.description.contains("\"99999\" is no port"))
            })
        try await withServer(
            answering: { "302 Found\r\nLocation: /\($0)" },
            run: { port in
                guard case .failure(let failure) = try await get("http://127.0.0.1:\(port)/") else {
                    Issue.record("answered")
                    return
                }
                #expect(failure.description.hasSuffix("it redirects too often"))
            })
        try await withServer(
            answering: { _ in "301 Moved Permanently\r\nLocation: /" },
            run: { port in
                guard case .failure(let failure) = try await get("http://127.0.0.1:\(port)/") else {
                    Issue.record("answered")
                    return
                }
                #expect(failure.description.hasSuffix("it redirects in a circle"))
            })
        try await withServer(
            answering: { $0 == 1 ? "303 See Other\r\nLocation: /there" : "200 OK\r\nX-Request: \($0)" },
            run: { port in
                guard case .success(let answer) = try await get("http://127.0.0.1:\(port)/", method: "POST", body: "x")
                else {
                    Issue.record("not answered")
                    return
                }
                #expect(answer.status == 200)
                #expect(answer.headers.contains { $0.name == "X-Request" && $0.value == "2" })
            })
    }
}

/// Numbers the requests of a server, from 1.
private final class Count: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// Answers each request of all connections of a server with the head that is next.
private final class Answering: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: () -> String
    private var received = ""

    init(_ answer: @escaping () -> String) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        while let end = received.firstRange(of: "\r\n\r\n") {
            let hasBody = received[..<end.lowerBound].contains("Content-Length: 1")
            guard !hasBody || received[end.upperBound...].count >= 1 else { return }
            received = String(received[end.upperBound...].dropFirst(hasBody ? 1 : 0))
            let head = "HTTP/1.1 \(answer())\r\nContent-Length: 0\r\n\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
        }
    }
}
