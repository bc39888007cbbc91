import AgentModel
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Status routes", .timeLimit(.minutes(1)))
struct StatusRouteTests {
    @Test("the pages have exactly the members of the contract")
    func members() async throws {
        try await TestHost.run { host in
            #expect(
                try await host.request("GET", "/").body
                    == #"{"service":"vitals-agent","status":"running","type":"realtime","realtime_enabled":true,"#
                    + #""websocket_enabled":true,"platform":"clinic"}"#)
            #expect(
                try await host.request("GET", "/health").body
                    == #"{"status":"healthy","service":"vitals-agent","realtime_enabled":true,"#
                    + #""websocket_enabled":true,"connections":0,"message_count":3,"error_count":1,"script":"#
                    + #"{"version":"0123456789ab","generation":2,"loaded_at":"2026-01-02T03:04:05.678Z","#
                    + #""reload_error":null}}"#)
            let capabilities = try await host.request("GET", "/capabilities").json
            #expect(capabilities["capabilities"] == ["triage"])
            #expect(capabilities["supported_task_types"]?[0] == "echo")
            #expect(capabilities["agent_type"] == "developer")
            #expect(capabilities["implementation"] == "deterministic")
            #expect(
                try await host.request("GET", "/realtime/status").body
                    == #"{"agent_type":"developer","implementation_type":"deterministic","#
                    + #""service_name":"vitals-agent","realtime_enabled":true,"websocket_enabled":true,"#
                    + #""connections":[{"service_name":"kafka","connection_type":"kafka","status":"connected","#
                    + #""endpoint":"127.0.0.1:9092","connected_at":"2026-01-02T03:04:05.678Z","#
                    + #""last_activity":null,"error_message":null,"retry_count":0}],"#
                    + #""active_streams":["blood_pressure"],"message_count":3,"error_count":1,"#
                    + #""last_activity":null}"#)
        }
    }

    @Test("an unhealthy host says so with 503; a standard agent's root has two members")
    func unhealthyAndStandard() async throws {
        try await TestHost.run([TestHost.agent("plain", isRealtime: false)], health: .unhealthy) { host in
            let health = try await host.request("GET", "/health")
            #expect(health.status == 503)
            #expect(health.json["status"] == "unhealthy")
            #expect(health.json["realtime_enabled"] == false)
            #expect(try await host.request("GET", "/").body == #"{"service":"vitals-agent","status":"running"}"#)
        }
    }

    @Test("of several agents the first is described at the top, and all under agents")
    func several() async throws {
        let agents = [TestHost.realtime, TestHost.agent("second", isRealtime: false)]
        try await TestHost.run(agents) { host in
            for path in ["/health", "/capabilities", "/realtime/status", "/realtime/connections"] {
                let page = try await host.request("GET", path).json
                #expect(page["agents"]?.objectValue?.keys == ["vitals-agent", "second"])
            }
            let health = try await host.request("GET", "/health").json
            #expect(health["agents"]?["second"]?["realtime_enabled"] == false)
            #expect(health["agents"]?["second"]?["script"]?["generation"] == 2)
        }
    }

    @Test("HEAD answers as GET without the body, OPTIONS with what is allowed")
    func headAndOptions() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                try await connection.send(
                    "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /health HTTP/1.1\r\nHost: a\r\n\r\n")
                let head = try await connection.reply(isHead: true)
                #expect(head.status == 200)
                #expect(Int(head.headers["content-length"] ?? "") ?? 0 > 100)
                let options = try await connection.reply()
                #expect(options.status == 204)
                #expect(options.headers["allow"] == "GET, HEAD, OPTIONS")
            }
            #expect(try await host.request("OPTIONS", "/echo").headers["allow"] == "POST, OPTIONS")
            #expect(try await host.request("OPTIONS", "*").status == 204)
        }
    }

    @Test("what is not there is 404, and what is not done there is 405")
    func notFound() async throws {
        try await TestHost.run { host in
            let missing = try await host.request("GET", "/nowhere")
            #expect(missing.status == 404)
            #expect(missing.body == #"{"detail":"Not Found"}"#)
            let wrong = try await host.request("DELETE", "/echo")
            #expect(wrong.status == 405)
            #expect(wrong.body == #"{"detail":"Method Not Allowed"}"#)
            #expect(wrong.headers["allow"] == "POST, OPTIONS")
            #expect(try await host.request("BREW", "/health").status == 405)
            #expect(try await host.request("GET", "/he%61lth?x=%zz").status == 200)
            #expect(try await host.request("GET", "http://127.0.0.1/health").status == 200)
            #expect(try await host.request("GET", "http://127.0.0.1").status == 200)
            #expect(try await host.request("GET", "/realtime/topic/a").status == 405)
            #expect(try await host.request("GET", "/ws").status == 426)
        }
    }

    @Test("CORS answers as the list of origins says")
    func crossOrigin() async throws {
        let preflight = [
            "Origin": "https://console.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        ]
        try await TestHost.run(settings: .with { $0.allowedOrigins = ["https://console.example"] }) { host in
            let allowed = try await host.request("OPTIONS", "/echo", headers: preflight)
            #expect(allowed.status == 200)
            #expect(allowed.headers["access-control-allow-origin"] == "https://console.example")
            #expect(allowed.headers["access-control-allow-headers"] == "content-type")
            #expect(allowed.headers["access-control-allow-methods"]?.contains("POST") == true)
            let other = preflight.merging(["Origin": "https://evil.example"]) { $1 }
            let refused = try await host.request("OPTIONS", "/echo", headers: other)
            #expect(refused.status == 400)
            #expect(refused.headers["access-control-allow-origin"] == nil)
            let simple = try await host.request("GET", "/health", headers: ["Origin": "https://console.example"])
            #expect(simple.headers["access-control-allow-origin"] == "https://console.example")
            #expect(simple.headers["vary"] == "Origin")
        }
        try await TestHost.run(settings: .with { $0.allowedOrigins = ["*"] }) { host in
            let reply = try await host.request("GET", "/nowhere", headers: ["Origin": "https://any.example"])
            #expect(reply.headers["access-control-allow-origin"] == "*")
        }
        try await TestHost.run { host in
            let reply = try await host.request("GET", "/health", headers: ["Origin": "https://any.example"])
            #expect(reply.status == 200)
            #expect(reply.headers["access-control-allow-origin"] == nil)
        }
    }
}
