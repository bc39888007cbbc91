import AgentModel
import Foundation
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1
@testable import Realtime

/// Clients that other people wrote; each test needs its program.
@Suite("Foreign clients", .timeLimit(.minutes(2)))
struct ForeignClientTests {
    struct Ended: Sendable {
        var status: Int32
        var output: String
    }

    /// Runs a program to its end.
    static func run(_ arguments: [String]) async throws -> Ended {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return Ended(status: status, output: text)
    }

    static func has(_ arguments: String...) async -> Bool {
        (try? await run(arguments))?.status == 0
    }

    @Test(
        "a raw endpoint that echoes passes the Autobahn cases 1 to 7 and 10",
        .enabled("kosoku is needed") { await has("kosoku", "--help") })
    func autobahn() async throws {
        try await TestHost.run { host in
            let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: folder) }
            let ended = try await Self.run([
                "kosoku", "-p", "8", "-x", "9.*", "-x", "12.*", "-x", "13.*", "-o", folder.path,
                "ws://127.0.0.1:\(host.port)/raw/vitals-agent",
            ])
            #expect(ended.status == 0)
            #expect(ended.output.contains("247 cases passed"))
        }
    }

    @Test(
        "the client of Python's websockets speaks the contract",
        .enabled("Python's websockets is needed") { await has("python3", "-c", "import websockets.sync.client") })
    func websockets() async throws {
        let script = """
            import json, sys
            from websockets.sync.client import connect
            with connect(f"ws://127.0.0.1:{sys.argv[1]}/ws") as socket:
                def receive(): return json.loads(socket.recv(timeout=10))
                def send(kind, **payload): socket.send(json.dumps({"message_type": kind, "payload": payload}))
                assert receive()["message_type"] == "connection_established"
                send("subscribe", topic="health_events")
                assert receive()["payload"] == {"topic": "health_events", "subscriber_count": 1}
                send("agent_request", query="Analyze", task_type="echo", parameters={"n": 1})
                assert receive()["payload"]["result"] == {"query": "Analyze", "parameters": {"n": 1}}
                socket.ping().wait(10)
                socket.close(1000, "done")
                assert socket.close_code == 1000, socket.close_code
            """
        try await TestHost.run { host in
            let ended = try await Self.run(["python3", "-c", script, "\(host.port)"])
            #expect(ended.status == 0, "\(ended.output)")
        }
    }

    @Test(
        "curl posts, streams and gets its body taken after 100", .enabled("curl is needed") { await has("curl", "-V") })
    func curl() async throws {
        try await TestHost.run { host in
            let base = "http://127.0.0.1:\(host.port)"
            let post = try await Self.run(["curl", "-sf", "--json", #"{"query":"q"}"#, base + "/echo"])
            #expect(post.output.hasPrefix(#"{"result":{"query":"q"}"#))
            let chunked = try await Self.run([
                "curl", "-sf", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue",
                "-H", "Content-Type: application/json", "-d", "[1]", base + "/echo",
            ])
            #expect(chunked.output.hasPrefix(#"{"result":[1]"#))
            async let stream = Self.run(["curl", "-sN", base + "/stream/topic/t"])
            let server = host.servers[0]
            try await host.until {
                try await host.onWorker { _ in server.exchange.realtime.history.isWatched }
            }
            _ = try await host.publish("t", "1")
            try await server.stop().get()
            #expect(try await stream.output.contains(#"data: {"topic":"t","data":1}"#))
        }
    }
}
