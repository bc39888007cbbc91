import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Doors", .timeLimit(.minutes(1)))
struct DoorTests {
    @Test("a request for a name that leads here from elsewhere is 421, whatever it asks for, and has no effect")
    func rebinding() async throws {
        try await TestHost.run(settings: .with { $0.allowedHosts = ["app.example"] }) { host in
            let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            for request in [
                "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                "GET /stream/events HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                "GET /nowhere HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n",
                "GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n",
                "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET http://user@localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /ws HTTP/1.1\r\nHost: evil.example\r\n\(upgrade)Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", "GET /health HTTP/1.1\r\nHost:\r\n\r\n",
                "OPTIONS /echo HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\r\n",
            ] {
                try await RawConnection.open(host.port) { connection in
                    try await connection.send(request)
                    let reply = try await connection.reply()
                    #expect(reply.status == 421, "\(request)")
                    #expect(reply.detail.stringValue?.contains("ALLOWED_HOSTS") == true)
                }
            }
            for request in [
                "GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.1\r\nHost: LOCALHOST.:80\r\n\r\n",
                "GET /health HTTP/1.1\r\nHost: app.example\r\n\r\n", "GET /health HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
                "GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            ] {
                try await RawConnection.open(host.port) { connection in
                    try await connection.send(request)
                    #expect(try await connection.reply().status == 200, "\(request)")
                }
            }
        }
    }

    @Test("a page that is not let in writes nothing, by whatever method and content type")
    func writes() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                try await client.subscribe("a")
                for origin in [
                    "https://evil.example", "null", "http://evil.example#.localhost", "http://evil.example:80",
                ] {
                    for (method, path) in [
                        ("POST", "/echo"), ("POST", "/realtime/broadcast"), ("POST", "/realtime/topic/a"),
                        ("PUT", "/echo"), ("DELETE", "/nowhere"), ("BREW", "/echo"), ("GET", "/ask?query=a"),
                    ] {
                        let reply = try await host.request(method, path, "{}", headers: ["Origin": origin])
                        #expect(reply.status == 403, "\(method) \(path) from \(origin)")
                        #expect(reply.detail == "Origin not allowed")
                        #expect(reply.headers["access-control-allow-origin"] == nil)
                    }
                    #expect(try await host.request("GET", "/health", headers: ["Origin": origin]).status == 200)
                }
                // The first that was let in is the first that arrives.
                for origin in ["http://127.0.0.1:\(host.port)", "http://localhost:3000", nil] {
                    let reply = try await host.request(
                        "POST", "/realtime/topic/a", #"{"from":"\#(origin ?? "")"}"#,
                        headers: origin.map { ["Origin": $0] } ?? [:])
                    #expect(reply.json["subscribers"] == 1)
                    #expect(try await client.message()["payload"]?["data"]?["from"] == .string(origin ?? ""))
                }
            }
        }
        try await TestHost.run(settings: .with { $0.allowedOrigins = ["https://app.example"] }) { host in
            for (origin, status) in [
                ("https://app.example", 200), ("http://localhost:3000", 403), ("http://127.0.0.1:\(host.port)", 200),
                ("https://app.example.evil.example", 403),
            ] {
                let reply = try await host.request("POST", "/echo", "{}", headers: ["Origin": origin])
                #expect(reply.status == status)
            }
        }
    }

    @Test("credentials are for the origins named, never for all")
    func credentials() async throws {
        let preflight = ["Origin": "https://app.example", "Access-Control-Request-Method": "POST"]
        try await TestHost.run(
            settings: .with {
                $0.allowedOrigins = ["https://app.example"]
                $0.allowsCredentials = true
            }
        ) { host in
            for (method, path) in [("GET", "/health"), ("OPTIONS", "/echo")] {
                let reply = try await host.request(method, path, headers: preflight)
                #expect(reply.headers["access-control-allow-origin"] == "https://app.example")
                #expect(reply.headers["access-control-allow-credentials"] == "true")
                let other = try await host.request(
                    method, path, headers: preflight.merging(["Origin": "https://evil.example"]) { $1 })
                #expect(other.headers["access-control-allow-credentials"] == nil)
            }
        }
        for (origins, isAllowed) in [(["https://app.example"], false), (["*"], true)] {
            try await TestHost.run(
                settings: .with {
                    $0.allowedOrigins = origins
                    $0.allowsCredentials = isAllowed
                }
            ) { host in
                let reply = try await host.request("GET", "/health", headers: preflight)
                #expect(reply.headers["access-control-allow-origin"] != nil)
                #expect(reply.headers["access-control-allow-credentials"] == nil)
            }
        }
    }

    @Test("a name of a client has at most 1,024 bytes")
    func names() async throws {
        let long = String(repeating: "é", count: 513)
        let fits = String(repeating: "é", count: 512)
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                for (message, error) in [
                    (#"{"message_type":"\#(long)"}"#, "The message type is longer than 1024 bytes"),
                    (#"{"message_type":"ping","message_id":"\#(long)"}"#, "The message id is longer than 1024 bytes"),
                    (
                        #"{"message_type":"ping","correlation_id":"\#(long)"}"#,
                        "The correlation id is longer than 1024 bytes"
                    ),
                    (
                        #"{"message_type":"subscribe","payload":{"topic":"\#(long)"}}"#,
                        "The topic is longer than 1024 bytes"
                    ),
                    (
                        #"{"message_type":"unsubscribe","payload":{"topic":"\#(long)"}}"#,
                        "The topic is longer than 1024 bytes"
                    ),
                    (
                        #"{"message_type":"agent_request","payload":{"query":"q","task_type":"\#(long)"}}"#,
                        "The task type is longer than 1024 bytes"
                    ),
                ] {
                    try await client.send(text: message)
                    let answer = try await client.message()
                    #expect(answer["payload"] == ["error": .string(error)])
                    #expect(answer["response_to"] == .null)
                }
                try await client.send(text: #"{"message_type":"subscribe","payload":{"topic":"\#(fits)"}}"#)
                #expect(try await client.message()["message_type"] == "subscription_confirmed")
                #expect(try await host.request("GET", "/realtime/connections").json["total_topics"] == 1)
            }
            for (method, path) in [("POST", "/realtime/topic/"), ("GET", "/stream/topic/")] {
                let reply = try await host.request(method, path + String(repeating: "%C3%A9", count: 513), "{}")
                #expect(reply.status == 422)
                #expect(reply.detail[0]?["loc"] == ["path", "topic"])
                #expect(reply.detail[0]?["msg"] == "The topic is longer than 1024 bytes")
            }
        }
    }

    @Test("a client has a limited number of subscriptions; one more is refused, one less makes room")
    func subscriptionLimit() async throws {
        try await TestHost.run(settings: .with { $0.maxSubscriptions = 3 }) { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                for (topic, type) in [
                    ("a", "subscription_confirmed"), ("b", "subscription_confirmed"), ("c", "subscription_confirmed"),
                    ("a", "subscription_confirmed"), ("d", "error"),
                ] {
                    try await client.send(text: #"{"message_type":"subscribe","payload":{"topic":"\#(topic)"}}"#)
                    #expect(try await client.message()["message_type"] == .string(type))
                }
                try await client.send(text: #"{"message_type":"unsubscribe","payload":{"topic":"a"}}"#)
                _ = try await client.message()
                try await client.send(text: #"{"message_type":"subscribe","payload":{"topic":"d"}}"#)
                #expect(try await client.message()["payload"] == ["topic": "d", "subscriber_count": 1])
            }
        }
    }

    @Test("the connections page is one of many; its totals are of all")
    func pages() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                for number in 0..<300 { try await client.subscribe("topic-\(number)") }
                let first = try await host.request("GET", "/realtime/connections").json
                #expect(first["topics"]?.objectValue?.keys == (0..<100).map { "topic-\($0)" })
                #expect(first["total_topics"] == 300)
                #expect(first["total_subscriptions"] == 300)
                #expect(first["connection_details"]?[0]?["subscriptions"]?.arrayValue?.count == 300)
                let last = try await host.request("GET", "/realtime/connections?limit=50&offset=290").json
                #expect(last["topics"]?.objectValue?.keys == (290..<300).map { "topic-\($0)" })
                #expect(last["connection_details"] == [])
                #expect(last["total_connections"] == 1)
                #expect(try await host.request("GET", "/realtime/connections?limit=0").json["topics"] == [:])
                for (query, type) in [
                    ("limit=a", "int_parsing"), ("limit=1001", "less_than_equal"), ("offset=-1", "greater_than_equal"),
                    ("limit=99999999999999999999", "int_parsing"), ("limit=", "int_parsing"),
                ] {
                    let reply = try await host.request("GET", "/realtime/connections?\(query)")
                    #expect(reply.status == 422)
                    #expect(reply.detail[0]?["type"] == .string(type))
                }
            }
        }
    }

    @Test("a message that is not finished in time ends its connection; one that comes whole does not")
    func messageDeadline() async throws {
        try await TestHost.run(settings: .with { $0.http.bodyTimeout = .milliseconds(100) }) { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                try await client.send(0x01, Array(#"{"message_type""#.utf8))
                // Not even what it says meanwhile keeps it.
                try await client.send(0x89, [])
                var frame = try await client.receive()
                while frame.opcode != 0x8 { frame = try await client.receive() }
                #expect(frame.closeCode == 1008)
            }
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                try await client.send(0x01, [0x61])
                try await client.send(0x80, [0x62])
                #expect(try await client.receive().text == "ab")
            }
        }
    }

    @Test("requests and messages that are not finished have a limit together; it is free again when they end")
    func unfinished() async throws {
        try await TestHost.run { host in
            let total = host.servers[0].reception.settings.http.maxUnfinishedBytes
            let exchange = host.servers[0].exchange
            let part = [UInt8](repeating: 0x20, count: 2 << 20)
            try await withConnections(total / part.count - 1, host) { connections in
                for connection in connections {
                    try await connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(part.count)\r\n\r\n")
                    try await connection.send(Array(part.dropLast()))
                }
                try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                    let sending = client.connection.sendMeanwhile(
                        Array(WebSocketProbe.frame(0x02, part + part[...1023]).dropLast()))
                    let frame = try await client.receive()
                    #expect(frame.closeCode == 1009)
                    try? await sending.value
                }
                try await RawConnection.open(host.port) { connection in
                    try await connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(part.count)\r\n\r\n")
                    try await connection.send(Array(part.dropLast()))
                    try await host.until { exchange.budget.unfinished == total - total / part.count }
                    try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                        let sending = client.connection.sendMeanwhile(
                            Array(WebSocketProbe.frame(0x02, Array(part[..<1_000_000])).dropLast()))
                        let frame = try await client.receive()
                        #expect(frame.closeCode == 1013)
                        try? await sending.value
                    }
                    try await RawConnection.open(host.port) { another in
                        try await another.send(
                            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(part.count)\r\n\r\n")
                        let sending = another.sendMeanwhile(Array(part[..<1_000_000]))
                        #expect(try await another.reply().status == 503)
                        try? await sending.value
                    }
                }
                // What comes whole is taken all the while.
                #expect(try await host.request("POST", "/echo", "{}").status == 200)
            }
            try await host.until { exchange.budget.unfinished == 0 }
        }
    }

    private func withConnections(
        _ count: Int, _ host: TestHost, _ connections: [RawConnection] = [],
        _ body: ([RawConnection]) async throws -> Void
    ) async throws {
        if connections.count == count { return try await body(connections) }
        try await RawConnection.open(host.port) { connection in
            try await withConnections(count, host, connections + [connection], body)
        }
    }

    @Test("no more connections are accepted than may be open; the others wait, and are served when some close")
    func connectionLimit() async throws {
        for workers in [1, 2] {
            try await TestHost.run(workers: workers, settings: .with { $0.http.maxConnections = 4 }) { host in
                let limit = host.servers[0].exchange.budget.connections
                try await withConnections(4, host) { connections in
                    try await host.until { limit.room <= 0 }
                    // Of several workers' queues nobody knows which comes first.
                    try await withConnections(workers == 1 ? 20 : 1, host) { waiting in
                        for connection in waiting {
                            try await connection.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                        }
                        try await connections[0].send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                        #expect(try await connections[0].reply().status == 200)
                        // Several workers may have accepted at the same time.
                        #expect(limit.room > -AcceptGate.maxAtOnce)
                        if workers == 1 { #expect(limit.room == 0) }
                        for connection in connections { try await connection.close() }
                        for connection in waiting {
                            #expect(try await connection.reply().status == 200)
                            try await connection.close()
                        }
                    }
                }
                try await host.until { limit.room == 4 }
            }
        }
    }
}
