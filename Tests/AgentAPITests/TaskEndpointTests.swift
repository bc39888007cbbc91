import AgentModel
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Task endpoints", .timeLimit(.minutes(1)))
struct TaskEndpointTests {
    @Test("a result comes with its metadata, in the order of the contract")
    func result() async throws {
        try await TestHost.run { host in
            let reply = try await host.request(
                "POST", "/echo", #"{"query":"q"}"#, headers: ["Content-Type": "application/json"])
            #expect(reply.status == 200)
            #expect(reply.headers["content-type"] == "application/json")
            #expect(reply.headers["date"]?.hasSuffix(" GMT") == true)
            #expect(
                reply.body == #"{"result":{"query":"q"},"metadata":{"agent_type":"developer","#
                    + #""implementation":"deterministic","task_type":"echo","processing_time":0.012500,"#
                    + #""realtime_enabled":true},"processing_time":0.012500}"#)
        }
    }

    @Test("a standard agent does not speak of realtime, and has no realtime routes")
    func standard() async throws {
        let agent = TestHost.agent("plain", isRealtime: false, tasks: ["echo"])
        try await TestHost.run([agent]) { host in
            let reply = try await host.request("POST", "/echo", "{}")
            #expect(reply.json["metadata"]?["realtime_enabled"] == nil)
            #expect(reply.json["result"] == [:])
            for path in ["/realtime/status", "/stream/events", "/stream/topic/a", "/ws"] {
                #expect(try await host.request("GET", path).status == 404)
            }
        }
    }

    @Test(
        "failures have the status and the words that FastAPI gives them",
        arguments: [
            ("invalid-utf8", 400, "There was an error parsing the body"),
            ("failed", 500, "Agent processing failed: health.lua:3: boom"), ("timed-out", 504, nil),
            ("queue-full", 503, nil), ("unavailable", 503, nil), ("nothing", 422, nil),
        ] as [(String, Int, String?)])
    func failures(path: String, status: Int, detail: String?) async throws {
        try await TestHost.run { host in
            let reply = try await host.request("POST", "/" + path, "{}")
            #expect(reply.status == status)
            #expect(reply.detail != .null)
            if let detail { #expect(reply.detail == .string(detail)) }
            if status == 503 { #expect(reply.headers["retry-after"] == "1") }
        }
    }

    @Test("the place of a JSON error is told in characters, not bytes")
    func jsonError() async throws {
        try await TestHost.run { host in
            let reply = try await host.request("POST", "/invalid-json", "{é x")
            #expect(reply.status == 422)
            #expect(reply.detail[0]?["type"] == "json_invalid")
            #expect(reply.detail[0]?["loc"] == ["body", 3])
            #expect(reply.detail[0]?["ctx"]?["error"] == "Expecting value")
            let invalid = try await host.request("POST", "/invalid", "{}")
            #expect(
                invalid.body
                    == #"{"detail":[{"type":"missing","loc":["body","query"],"msg":"Field required","input":{}}]}"#)
        }
    }

    @Test("a body is taken with a JSON content type, and refused with another or none")
    func contentTypes() async throws {
        try await TestHost.run { host in
            for type in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
                #expect(try await host.request("POST", "/echo", "{}", headers: ["Content-Type": type]).status == 200)
            }
            for type in [
                "text/plain", "application/jsonp", "+json", "application/x-www-form-urlencoded", "multipart/form-data",
                "text/plain; application/json", "text/x+json", "application/+json", "application/a,b+json", "",
                "text/plain,application/x+json", "application",
            ] {
                let reply = try await host.request("POST", "/echo", "{}", headers: ["Content-Type": type])
                #expect(reply.status == 415)
                #expect(reply.detail == "Unsupported Media Type, Content-Type: application/json expected")
            }
            for path in ["/echo", "/realtime/broadcast", "/realtime/topic/a"] {
                try await RawConnection.open(host.port) { connection in
                    try await connection.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
                    #expect(try await connection.reply().status == 415)
                }
                let reply = try await host.request("POST", path, "{}", headers: ["Content-Type": "text/plain"])
                #expect(reply.status == 415)
            }
            let encoded = try await host.request("POST", "/echo", "{}", headers: ["Content-Encoding": "gzip"])
            #expect(encoded.status == 415)
            #expect(encoded.detail == "Unsupported Media Type, a body without Content-Encoding expected")
        }
    }

    @Test("an answer that comes later, and a large one, arrive whole")
    func laterAndLarge() async throws {
        try await TestHost.run { host in
            #expect(try await host.request("POST", "/later", #"{"a":1}"#).json["result"] == ["a": 1])
            let large = try await host.request("POST", "/large", "{}")
            #expect(large.json["result"]?.stringValue?.utf8.count == 1 << 20)
        }
    }

    @Test("a GET endpoint takes its query and parameters from the query string")
    func queryString() async throws {
        try await TestHost.run { host in
            let reply = try await host.request("GET", "/ask?query=how+is%20it&unit=%C2%B0C")
            #expect(reply.json["result"] == ["query": "how is it", "parameters": ["unit": "°C"]])
            let without = try await host.request("GET", "/ask?unit=bar")
            #expect(without.json["result"] == ["query": "", "parameters": ["unit": "bar"]])
            #expect(try await host.request("HEAD", "/ask").status == 200)
        }
    }

    @Test("an endpoint that takes any body answers with the result alone")
    func anyBody() async throws {
        var agent = TestHost.agent("open")
        agent.endpoints = [
            .init(path: "/any", method: "POST", taskType: "echo", takesAnyBody: true),
            .init(path: "/any", method: "GET", taskType: "echo", takesAnyBody: true),
        ]
        try await TestHost.run([agent]) { host in
            let reply = try await host.request("POST", "/any", "[1,2]")
            #expect(reply.body == "[1,2]")
            #expect(try await host.request("GET", "/any?a=1&b=x%20y").body == #"{"a":"1","b":"x y"}"#)
            #expect(try await host.request("POST", "/any", "1", headers: ["Content-Type": "a/b"]).status == 415)
        }
    }

    @Test("before the agents are there, and while stopping, everything is 503")
    func startingAndStopping() async throws {
        try await TestHost.run(nil) { host in
            let reply = try await host.request("GET", "/health")
            #expect(reply.status == 503)
            #expect(reply.headers["retry-after"] == "1")
        }
        try await TestHost.run { host in
            try await host.onWorker { [server = host.servers[0]] _ in server.beginStop() }
            let reply = try await host.request("POST", "/echo", "{}")
            #expect(reply.status == 503)
            #expect(reply.headers["connection"] == "close")
        }
    }

    @Test("agents of a new version are served on connections that are already open")
    func reload() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                try await connection.send("GET /fresh?query=1 HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.reply().status == 404)
                var agent = TestHost.realtime
                agent.endpoints.append(.init(path: "/fresh", method: "GET", taskType: "echo"))
                try await host.onWorker { [agent, server = host.servers[0]] _ in server.apply([agent]) }
                try await connection.send("GET /fresh?query=1 HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.reply().status == 200)
            }
        }
    }
}
