import AgentModel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Probes", .timeLimit(.minutes(1)))
struct ProbeTests {
    @Test("/readyz is 503 until everything accepts and again while the host stops, /livez is 200 all the while")
    func stages() async throws {
        try await TestHost.run { host in
            let exchange = host.servers[0].exchange
            for (stage, status) in [("starting", 503), ("ready", 200), ("stopping", 503)] {
                if stage == "ready" { exchange.life.isReady() }
                if stage == "stopping" {
                    let server = host.servers[0]
                    try await server.eventLoop.submit { server.beginStop() }.get()
                    // Once it stops, it stays so.
                    exchange.life.isReady()
                }
                let ready = try await host.request("GET", "/readyz")
                #expect(ready.status == status && ready.body == #"{"status":"\#(stage)"}"#)
                let live = try await host.request("GET", "/livez")
                #expect(live.status == 200 && live.body == #"{"status":"alive"}"#)
                #expect(live.headers["content-type"] == "application/json")
                let head = try await host.request("HEAD", "/readyz")
                #expect(head.status == status && head.headers["content-length"] == "\(ready.body.utf8.count)")
            }
        }
    }

    @Test("a probe is answered before routes are known, whatever host it names and wherever it comes from")
    func doors() async throws {
        try await TestHost.run(nil) { host in
            for (path, status) in [("/livez", 200), ("/readyz", 503)] {
                try await RawConnection.open(host.port) { connection in
                    for head in [
                        "Host: 10.1.2.3:8080\r\n", "Host: evil.example\r\n",
                        "Host: evil.example\r\nOrigin: https://evil.example\r\n",
                    ] {
                        try await connection.send("GET \(path)?verbose HTTP/1.1\r\n\(head)\r\n")
                        #expect(try await connection.reply().status == status)
                    }
                }
            }
        }
    }

    @Test("a probe takes GET and HEAD only, and its path is the host's")
    func routes() async throws {
        try await TestHost.run { host in
            let refused = try await host.request("POST", "/livez", "{}")
            #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await host.request("GET", "/%6Civez").status == 200)
        }
        for path in ["/livez", "/readyz"] {
            var agent = TestHost.agent("own")
            agent.endpoints = [.init(path: path, method: "GET", taskType: "own")]
            #expect(throws: RouteClash("agent own: GET \(path) is already served by the host; take another path")) {
                try AgentServer.validate([agent])
            }
        }
    }

    @Test("a loop that stands still makes /livez of the others 503 and is named, until it turns again")
    func stuck() async throws {
        try await TestHost.run(workers: 2, settings: .with { $0.stuckAfter = .milliseconds(400) }) { host in
            // Connections land on either loop: one on the first is kept for the questions.
            var answered = false
            while !answered {
                answered = try await RawConnection.open(host.port) { connection in
                    try await connection.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try await connection.reply().status == 200)
                    guard try await host.connectionCount == 1 else { return false }
                    let isHeld = Mutex(true)
                    host.servers[1].eventLoop.execute {
                        while isHeld.withLock({ $0 }) {}
                    }
                    func ask() async throws -> Reply {
                        try await connection.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                        return try await connection.reply()
                    }
                    var reply = try await ask()
                    while reply.status == 200 { reply = try await ask() }
                    isHeld.withLock { $0 = false }
                    #expect(reply.status == 503 && reply.json["status"] == "stuck")
                    #expect(reply.json["workers"]?[0]?["worker"] == 1)
                    #expect((reply.json["workers"]?[0]?["silent_for"]?.numberValue ?? 0) >= 0.4)
                    try await host.until { try await ask().status == 200 }
                    return true
                }
            }
        }
    }

    @Test("a loop counts as stuck only past the limit, and not once its server is gone")
    func stalls() {
        let life = HostLife()
        let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let first = life.addPulse(at: begin)
        let second = life.addPulse(at: begin)
        first.beat(at: begin + .seconds(5))
        #expect(life.stalls(longerThan: .seconds(10), at: begin + .seconds(10)) == [])
        #expect(
            life.stalls(longerThan: .seconds(10), at: begin + .seconds(11))
                == [HostLife.Stall(worker: 1, silence: .seconds(11))])
        life.forget(second)
        #expect(life.stalls(longerThan: .seconds(10), at: begin + .seconds(11)) == [])
    }
}

@Suite("Requests at the stop", .timeLimit(.minutes(1)))
struct StoppingRequestTests {
    @Test("what a client has sent ahead is answered 503, the last with connection: close, and the listener goes on")
    func pipelined() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                try await connection.send(
                    "POST /held HTTP/1.1\r\n\(head)" + "POST /echo HTTP/1.1\r\n\(head)"
                        + "POST /echo HTTP/1.1\r\n\(head)")
                let server = host.servers[0]
                try await host.until { try await server.eventLoop.submit { server.answeringCount }.get() == 1 }
                try await server.eventLoop.submit { server.beginStop() }.get()
                try await host.requests[0].eventLoop.submit { host.requests[0].value.cutOff() }.get()
                for position in 0..<3 {
                    let reply = try await connection.reply()
                    #expect(reply.status == 503 && reply.detail == "The service is stopping")
                    #expect(reply.headers["retry-after"] == "1")
                    #expect(reply.headers["connection"] == (position == 2 ? "close" : nil))
                }
                #expect(try await connection.receiveToEnd() == "")
            }
            let reply = try await host.request("POST", "/echo", "{}")
            #expect(reply.status == 503 && reply.headers["retry-after"] == "1")
        }
    }

    @Test("a request that has not arrived whole when the server closes is answered 503, not dropped")
    func unfinished() async throws {
        for part in ["POST /echo HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"] {
            try await TestHost.run { host in
                try await RawConnection.open(host.port) { connection in
                    try await connection.send(part)
                    try await host.until { host.servers[0].exchange.budget.unfinished > 0 }
                    async let stopped: Void = host.servers[0].stop().get()
                    let reply = try await connection.reply()
                    #expect(reply.status == 503 && reply.headers["connection"] == "close")
                    connection.finish()
                    try await stopped
                }
            }
        }
    }
}
