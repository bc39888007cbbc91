import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("WebSockets", .timeLimit(.minutes(1)))
struct WebSocketTests {
    @Test("a client is told who it is and what it is subscribed to")
    func welcome() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws/vitals-agent") { client in
                let established = try await client.message()
                #expect(established["message_type"] == "connection_established")
                #expect(established["payload"]?["client_id"]?.stringValue?.count == 36)
                #expect(established["payload"]?["connection_id"] == 1)
                #expect(established["payload"]?["server_time"]?.stringValue?.hasSuffix("Z") == true)
                #expect(
                    established.objectValue?.keys == [
                        "message_id", "message_type", "payload", "timestamp", "correlation_id", "response_to",
                    ])
                for topic in ["alerts", "vitals"] {
                    let message = try await client.message()
                    #expect(message["message_type"] == "subscription_confirmed")
                    #expect(message["payload"] == ["topic": .string(topic), "subscriber_count": 1])
                }
            }
            try await WebSocketProbe.open(host.port, "/ws/events") { client in
                let established = try await client.message()
                #expect(established["payload"]?["connection_id"] == 2)
                #expect(try await client.message()["payload"]?["topic"] == "events")
            }
        }
    }

    @Test(
        "the first of the endpoint's subprotocols that the client offers is answered, and no other",
        arguments: [
            ("/ws/parts/7", ["v1, v2"], "v2"), ("/ws/parts/7", ["v0", "x ,v1"], "v1"), ("/ws/parts/7", ["V1"], nil),
            ("/ws/parts/7", [], nil), ("/ws", ["v1"], nil),
        ] as [(String, [String], String?)])
    func subprotocols(path: String, offers: [String], answered: String?) async throws {
        var agent = TestHost.realtime
        agent.websocketEndpoints.append(
            .init(path: "/ws/parts/{id}", autoSubscribe: ["part/{id}"], isRaw: false, subprotocols: ["v2", "v1"]))
        try await TestHost.run([agent]) { host in
            try await RawConnection.open(host.port) { connection in
                let fields = offers.map { "Sec-WebSocket-Protocol: \($0)\r\n" }.joined()
                try await connection.send(WebSocketProbe.handshake(path, host.port, fields))
                let reply = try await connection.reply()
                #expect(reply.status == 101)
                #expect(reply.headers["sec-websocket-protocol"] == answered)
                guard path != "/ws" else { return }
                let client = WebSocketProbe(connection: connection)
                let confirmed = try await client.message("subscription_confirmed")
                #expect(confirmed["payload"]?["topic"] == "part/7")
            }
        }
    }

    @Test(
        "every message of a client is answered as the contract says",
        arguments: [
            (
                #"{"message_type":"subscribe","payload":{"topic":"a"}}"#, "subscription_confirmed",
                ["topic": "a", "subscriber_count": 1]
            ),
            (#"{"message_type":"subscribe","payload":{}}"#, "error", ["error": "Topic is required"]),
            (#"{"message_type":"subscribe"}"#, "error", ["error": "Topic is required"]),
            (#"{"message_type":"unsubscribe","payload":{"topic":"a"}}"#, "unsubscription_confirmed", ["topic": "a"]),
            (
                #"{"message_type":"agent_request","payload":{"query":"","task_type":"echo"}}"#, "error",
                ["error": "Query is required"]
            ),
            (
                #"{"message_type":"agent_request","payload":{"task_type":"echo"}}"#, "error",
                ["error": "Query is required"]
            ),
            (#"{"message_type":"nonsense","payload":{}}"#, "error", ["error": "Unknown message type: nonsense"]),
            ("nonsense", "error", ["error": "Invalid JSON format"]),
            ("[1]", "error", ["error": "Invalid JSON format"]),
            (#"{"message_type":"greet","payload":{"a":[1]}}"#, "greeting", ["a": [1]]),
            (
                #"{"message_type":"agent_request","payload":{"query":"q","task_type":"echo","parameters":{"n":1}}}"#,
                "agent_response",
                [
                    "success": true, "result": ["query": "q", "parameters": ["n": 1]], "error": nil,
                    "task_id": "7e6f1a5e-0000-4000-8000-000000000001",
                ]
            ),
            (
                #"{"message_type":"agent_request","payload":{"query":"q","task_type":"failed"}}"#, "agent_response",
                ["success": false, "result": nil, "error": "health.lua:3: boom", "task_id": nil]
            ),
        ] as [(String, String, JSONValue)])
    func answers(text: String, type: String, payload: JSONValue) async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                try await client.send(text: text)
                let answer = try await client.message()
                #expect(answer["message_type"] == .string(type))
                #expect(answer["payload"] == payload)
                // As a binary frame it is the same, and the connection has stayed.
                try await client.send(0x82, Array(text.utf8))
                #expect(try await client.message()["payload"] == payload)
            }
        }
    }

    @Test("a ping is answered with its message id; the correlation is kept")
    func ping() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                try await client.send(
                    text: #"{"message_id":"m-1","message_type":"ping","payload":{},"correlation_id":"c-1"}"#)
                let pong = try await client.message("pong")
                #expect(pong["response_to"] == "m-1")
                #expect(pong["correlation_id"] == "c-1")
                #expect(pong["payload"]?["timestamp"]?.stringValue?.hasSuffix("Z") == true)
                try await client.send(
                    text: #"{"message_id":"m-2","message_type":"agent_request","payload":{"query":"q"}}"#)
                let error = try await client.message("error")
                #expect(error["payload"]?["error"]?.stringValue?.contains("echo, failed") == true)
                #expect(error["response_to"] == "m-2")
            }
            let single = TestHost.agent("single", tasks: ["later"])
            try await TestHost.run([single]) { host in
                try await WebSocketProbe.open(host.port, "/ws") { client in
                    try await client.send(text: #"{"message_type":"agent_request","payload":{"query":"q"}}"#)
                    #expect(try await client.message("agent_response")["payload"]?["success"] == true)
                }
            }
        }
    }

    @Test("a script may close the client that spoke to it")
    func closedByScript() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                try await client.send(text: #"{"message_type":"goodbye"}"#)
                let frame = try await client.receive()
                #expect(frame.closeCode == 4001)
                #expect(String(decoding: frame.payload.dropFirst(2), as: UTF8.self) == "as you wish")
                try await client.send(0x88, [0x0F, 0xA1])
                #expect(try await client.connection.receiveToEnd() == "")
            }
        }
    }

    @Test("messages and events reach their subscribers on every worker, each once")
    func delivery() async throws {
        try await TestHost.run(workers: 2) { host in
            // Which worker takes a connection is the kernel's choice; eight are on both, or on one, and both must do.
            try await withClients(8, host, "/ws/vitals-agent") { custom in
                try await WebSocketProbe.open(host.port, "/ws") { everything in
                    try await everything.subscribe("alerts")
                    for client in custom {
                        while true {
                            let topic = try await client.message("subscription_confirmed")["payload"]?["topic"]
                            if topic == "vitals" { break }
                        }
                    }
                    for worker in 0..<2 {
                        #expect(try await host.publish("alerts", #"{"n":\#(worker)}"#, worker: worker) == 9)
                        #expect(try await host.publish("nobody", "{}", worker: worker) == 0)
                        try await host.emit("alert_triggered", topic: "alerts", worker: worker)
                        try await host.emit("other", worker: worker)
                        let reply = try await host.request("POST", "/realtime/broadcast", #"{"all":true}"#)
                        #expect(reply.body == #"{"status":"broadcasted","connections":9}"#)
                        for client in custom + [everything] {
                            let message = try await client.message()
                            #expect(message["message_type"] == "topic_message")
                            #expect(
                                message["payload"] == ["topic": "alerts", "data": ["n": .integer(Int64(worker))]])
                            let event = try await client.message()
                            #expect(event["message_type"] == "realtime_event")
                            #expect(event["payload"]?["event_type"] == "alert_triggered")
                            #expect(event["payload"]?["data"] == ["n": 1])
                        }
                        #expect(try await everything.message()["payload"]?["event_type"] == "other")
                        for client in custom + [everything] {
                            let message = try await client.message()
                            #expect(message["message_type"] == "broadcast")
                            #expect(message["payload"] == ["all": true])
                        }
                    }
                }
            }
        }
    }

    @Test("a script reaches a client by its id from any worker, also to close it")
    func byID() async throws {
        try await TestHost.run(workers: 2) { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                let id = try await client.message()["payload"]?["client_id"]?.stringValue ?? ""
                for worker in 0..<2 {
                    let isSent = try await host.onWorker(worker) { hub in
                        hub.send(to: id, type: "note", payload: .init(string: "[\(worker)]"))
                    }
                    #expect(isSent)
                    #expect(try await client.message("note")["payload"] == [.integer(Int64(worker))])
                }
                let isKnown = try await host.onWorker {
                    $0.send(to: "nobody", type: "note", payload: .init(string: "1"))
                }
                #expect(!isKnown)
                #expect(try await host.onWorker(1) { $0.close(clientID: id, code: 4000, reason: "enough") })
                let frame = try await client.receive()
                #expect(frame.opcode == 0x8)
                #expect(frame.closeCode == 4000)
            }
        }
    }

    @Test("the connections page counts over all workers, and forgets who is gone")
    func connections() async throws {
        try await TestHost.run(workers: 2) { host in
            try await withClients(4, host, "/ws/vitals-agent") { clients in
                for client in clients {
                    try await client.subscribe("vitals")
                    try await client.subscribe("own")
                }
                let page = try await host.request("GET", "/realtime/connections").json
                #expect(page["total_connections"] == 4)
                #expect(page["total_topics"] == 3)
                #expect(page["total_subscriptions"] == 12)
                #expect(page["topics"] == ["alerts": 4, "own": 4, "vitals": 4])
                #expect(page["connection_details"]?.arrayValue?.count == 4)
                #expect(page["connection_details"]?[0]?["subscriptions"] == ["alerts", "vitals", "own"])
                #expect(page["connection_details"]?[0]?["message_count"]?.integerValue ?? 0 > 4)
                #expect(try await host.request("GET", "/health").json["connections"] == 4)
                try await clients[0].connection.close()
                try await clients[1].send(0x88, [0x03, 0xE8])
                try await host.until {
                    try await host.request("GET", "/realtime/connections").json["total_connections"] == 2
                }
            }
            try await host.until {
                try await host.request("GET", "/realtime/connections").json["topics"] == [:]
            }
            #expect(try await host.request("GET", "/health").json["connections"] == 0)
        }
    }

    private func withClients(
        _ count: Int, _ host: TestHost, _ path: String, _ clients: [WebSocketProbe] = [],
        _ body: ([WebSocketProbe]) async throws -> Void
    ) async throws {
        if clients.count == count { return try await body(clients) }
        try await WebSocketProbe.open(host.port, path) { client in
            try await withClients(count, host, path, clients + [client], body)
        }
    }
}
