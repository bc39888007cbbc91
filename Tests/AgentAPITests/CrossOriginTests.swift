import AgentModel
import Logging
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Pages elsewhere", .timeLimit(.minutes(1)))
struct CrossOriginTests {
    private static let preflight = [
        "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-trace",
    ]

    @Test("a page of this machine calls and reads a host of this machine, whatever its port, name and scheme")
    func loopback() async throws {
        try await TestHost.run { host in
            for origin in [
                "http://localhost:3000", "http://127.0.0.1:5173", "https://app.localhost", "http://[::1]:3000",
            ] {
                let asked = ["Origin": origin].merging(Self.preflight) { $1 }
                let preflight = try await host.request("OPTIONS", "/echo", headers: asked)
                #expect(preflight.status == 200)
                #expect(preflight.headers["access-control-allow-origin"] == origin)
                #expect(preflight.headers["access-control-allow-headers"] == "content-type, x-trace")
                #expect(preflight.headers["vary"] == "Origin")
                for (method, path) in [
                    ("POST", "/echo"), ("GET", "/ask?query=a"), ("GET", "/health"), ("GET", "/nowhere"),
                ] {
                    let reply = try await host.request(
                        method, path, method == "POST" ? "{}" : nil, headers: ["Origin": origin])
                    #expect(reply.status == (path == "/nowhere" ? 404 : 200))
                    #expect(reply.headers["access-control-allow-origin"] == origin)
                    #expect(reply.headers["access-control-allow-credentials"] == nil)
                    #expect(reply.headers["vary"] == "Origin")
                }
            }
        }
    }

    @Test("a page of this machine is let in by its origin alone, and no longer when others are named")
    func notLoopback() async throws {
        try await TestHost.run(settings: .with { $0.allowedHosts = ["app.example"] }) { host in
            for asked in [
                "Origin: http://localhost.evil.example", "Origin: http://localhost:3000\r\nHost: app.example",
            ] {
                try await RawConnection.open(host.port) { connection in
                    let name = asked.contains("Host") ? "" : "Host: localhost\r\n"
                    try await connection.send("GET /health HTTP/1.1\r\n\(name)\(asked)\r\n\r\n")
                    let reply = try await connection.reply()
                    #expect(reply.headers["access-control-allow-origin"] == nil, "\(asked)")
                    #expect(reply.headers["vary"] == "Origin")
                }
            }
        }
        try await TestHost.run(settings: .with { $0.allowedOrigins = ["https://app.example"] }) { host in
            let origin = ["Origin": "http://localhost:3000"]
            let preflight = try await host.request("OPTIONS", "/echo", headers: origin.merging(Self.preflight) { $1 })
            #expect(preflight.status == 400)
            #expect(preflight.detail == "Disallowed CORS origin")
            #expect(preflight.headers["access-control-allow-origin"] == nil)
            #expect(try await host.request("POST", "/echo", "{}", headers: origin).status == 403)
        }
    }

    @Test("caches are told that an answer depends on who asks, unless it does not")
    func vary() async throws {
        func vary(_ settings: AgentServerSettings, _ headers: [String: String] = [:]) async throws -> [String?] {
            try await TestHost.run(settings: settings) { host in
                let requests = [("GET", "/health"), ("HEAD", "/health"), ("GET", "/nowhere"), ("POST", "/echo")]
                var told: [String?] = []
                for (method, path) in requests {
                    told.append(
                        try await host.request(method, path, method == "POST" ? "{}" : nil, headers: headers)
                            .headers["vary"])
                }
                return told
            }
        }
        // What a POST is answered with nobody keeps.
        #expect(try await vary(.with { _ in }) == ["Origin", "Origin", "Origin", nil])
        let named = AgentServerSettings.with { $0.allowedOrigins = ["https://app.example"] }
        #expect(try await vary(named) == ["Origin", "Origin", "Origin", nil])
        #expect(try await vary(named, ["Origin": "https://app.example"]) == Array(repeating: "Origin", count: 4))
        let open = AgentServerSettings.with { $0.allowedOrigins = ["*"] }
        #expect(try await vary(open, ["Origin": "https://app.example"]) == Array(repeating: nil, count: 4))
    }

    @Test("a page that is refused is told once, with the setting that lets it in; of very many not all")
    func refused() {
        let lines = LogLines.Store()
        let logger = Logger(label: "test") { _ in LogLines(lines) }
        let refused = RefusedOrigins()
        for _ in 0..<3 { refused.tell("http://192.168.1.5:3000", OriginPolicy([]), logger) }
        refused.tell("https://b.example", OriginPolicy(["https://a.example"]), logger)
        refused.tell("null", OriginPolicy([]), logger)
        #expect(
            lines.all.map { $0.trimmingSuffix(while: { $0 == " " }) } == [
                "warning: a page of http://192.168.1.5:3000 may not write to this host or read from it: ALLOWED_ORIGINS=http://192.168.1.5:3000 lets it in",
                "warning: a page of https://b.example may not write to this host or read from it: ALLOWED_ORIGINS=https://a.example,https://b.example lets it in",
                "warning: a page of null may not write to this host or read from it: it has no origin that ALLOWED_ORIGINS could name, as pages of files and sandboxes have none",
            ])
        for number in 0..<1000 { refused.tell("http://\(number).example\u{1B}[2J", OriginPolicy([]), logger) }
        #expect(lines.all.count == 51)
        #expect(lines.all.last?.contains("not named any more") == true)
        #expect(lines.count(containing: "\u{1B}") == 0)
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var text = self
        while text.last.map(isTrimmed) == true { text.removeLast() }
        return text
    }
}
