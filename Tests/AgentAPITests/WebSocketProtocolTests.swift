import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("The WebSocket protocol", .timeLimit(.minutes(1)))
struct WebSocketProtocolTests {
    @Test(
        "an upgrade that is none, or is not allowed, is refused before it happens",
        arguments: [
            ("GET", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
            ("GET", "Sec-WebSocket-Version: 13\r\n", "", 426), ("GET", "Upgrade: websocket\r\n", "", 426),
            ("GET", "dGhlIHNhbXBsZSBub25jZQ==", "short", 400), ("POST", "", "", 405),
            ("GET", "Sec-WebSocket-Version", "Origin: https://evil.example\r\nSec-WebSocket-Version", 403),
            ("GET", "Sec-WebSocket-Version", "Origin: null\r\nSec-WebSocket-Version", 403),
        ] as [(String, String, String, Int)])
    func refused(method: String, part: String, replacement: String, status: Int) async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let request = method + WebSocketProbe.handshake("/ws", host.port).dropFirst(3)
                try await connection.send(part.isEmpty ? request : request.replacing(part, with: replacement))
                let reply = try await connection.reply()
                #expect(reply.status == status)
                #expect(reply.detail != .null)
                if status == 426, part.hasPrefix("Sec") { #expect(reply.headers["sec-websocket-version"] == "13") }
                // The connection goes on.
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.reply().status == 200)
            }
        }
    }

    @Test("a connection becomes a WebSocket also after other requests, and takes what came with the upgrade")
    func laterUpgrade() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let loopback = "Origin: http://localhost:3000\r\n"
                let request =
                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                    + WebSocketProbe.handshake("/raw/vitals-agent", host.port, loopback)
                try await connection.send(Array(request.utf8) + WebSocketProbe.frame(0x81, Array("hello".utf8)))
                #expect(try await connection.reply().status == 200)
                #expect(try await connection.reply().status == 101)
                #expect(try await WebSocketProbe(connection: connection).receive().text == "hello")
            }
        }
    }

    @Test("a raw endpoint gets the frames and nothing else")
    func raw() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                #expect(try await host.request("POST", "/realtime/broadcast", "{}").json["connections"] == 0)
                try await client.send(0x82, [0, 1, 0xFF])
                #expect(try await client.receive() == .init(first: 0x82, payload: [0, 1, 0xFF]))
                let large = [UInt8](repeating: UInt8(ascii: "z"), count: 2 << 20)
                let sending = client.connection.sendMeanwhile(WebSocketProbe.frame(0x81, large))
                #expect(try await client.receive() == .init(first: 0x81, payload: large))
                try await sending.value
                try await client.send(0x88, [0x0F, 0xA1] + Array("bye".utf8))
                let close = try await client.receive()
                #expect(close.closeCode == 4001)
                #expect(try await client.connection.receiveToEnd() == "")
            }
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                try await client.connection.close()
            }
            try await host.until {
                try await host.request("POST", "/raw-events", "{}").json["result"] == [
                    "open /raw/vitals-agent", "closed /raw/vitals-agent 4001", "open /raw/vitals-agent",
                    "closed /raw/vitals-agent 1006",
                ]
            }
        }
    }

    @Test("fragments make one message, with control frames between them")
    func fragments() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                let text = Array("κόσμε".utf8)
                try await client.send(0x01, Array(text[..<3]))
                try await client.send(0x89, Array("now".utf8))
                try await client.send(0x00, [])
                try await client.send(0x80, Array(text[3...]))
                #expect(try await client.receive() == .init(first: 0x8A, payload: Array("now".utf8)))
                #expect(try await client.receive() == .init(first: 0x81, payload: text))
                for byte in WebSocketProbe.frame(0x82, Array(0...200)) { try await client.connection.send([byte]) }
                #expect(try await client.receive() == .init(first: 0x82, payload: Array(0...200)))
            }
        }
    }

    @Test(
        "what a client must not send closes the connection with the code for it",
        arguments: [
            ([0xC1, 0x80, 0, 0, 0, 0], 1002), ([0x81, 0x01, 0x61], 1002), ([0x83, 0x80], 1002),
            ([0x8B, 0x80], 1002), ([0x09, 0x80], 1002), ([0x89, 0xFE], 1002), ([0x80, 0x80], 1002),
            ([0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80], 1002), ([0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
            // Text that is wrong at its first byte, of a frame that has not ended.
            ([0x81, 0x85, 0, 0, 0, 0, 0xC0], 1007),
            ([0x01, 0x81, 0, 0, 0, 0, 0xE0, 0x80, 0x81, 0, 0, 0, 0, 0x80], 1007),
            ([0x81, 0x81, 0, 0, 0, 0, 0xC3], 1007),
            ([0x88, 0x81, 0, 0, 0, 0, 0x03], 1002), ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
            ([0x88, 0x82, 0, 0, 0, 0, 0x00, 0x00], 1002), ([0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF], 1007),
            ([0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 1], 1009), ([0x88, 0x80, 0, 0, 0, 0], nil),
            ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8], 1000),
        ] as [([UInt8], Int?)])
    func violations(bytes: [UInt8], code: Int?) async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                try await client.connection.send(bytes)
                let frame = try await client.receive()
                #expect(frame.opcode == 0x8)
                #expect(frame.closeCode == code)
                #expect(try await client.connection.receiveToEnd() == "")
            }
        }
    }

    @Test("the limit of a message is over all its fragments")
    func messageLimit() async throws {
        try await TestHost.run(settings: .with { $0.http.maxMessageBytes = 1000 }) { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                try await client.send(0x01, [UInt8](repeating: 0x20, count: 600))
                try await client.send(0x00, [UInt8](repeating: 0x20, count: 600))
                #expect(try await client.receive().closeCode == 1009)
            }
        }
    }

    @Test("a client that does not read is closed with 1013, and slows nobody")
    func slowClient() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws", receiveBuffer: 4096) { slow in
                try await slow.subscribe("flood")
                try await WebSocketProbe.open(host.port, "/ws") { other in
                    let data = "\"" + String(repeating: "x", count: 60_000) + "\""
                    try await other.subscribe("flood")
                    var published = 0
                    // Until the slow one is no subscriber any more.
                    while try await host.publish("flood", data) == 2 {
                        _ = try await other.message("topic_message")
                        published += 1
                    }
                    #expect(published > 10)
                    _ = try await other.message("topic_message")
                }
                var last: WebSocketProbe.Frame?
                while last?.opcode != 0x8 { last = try await slow.receive() }
                #expect(last?.closeCode == 1013)
            }
        }
    }

    @Test("a client that reads slowly gets every message in its order, with the answers to its own between them")
    func slowReader() async throws {
        try await TestHost.run { host in
            // Its socket is full now and then, so that messages go the long way, and the next ones straight again.
            try await WebSocketProbe.open(host.port, "/ws", receiveBuffer: 4096) { slow in
                try await slow.subscribe("numbers")
                let padding = String(repeating: "x", count: 3000)
                var sent = 0
                var seen = 0
                for round in 0..<60 {
                    let numbers = sent..<sent + 1 + round % 7
                    try await host.onWorker { hub in
                        for number in numbers {
                            let data = ByteBuffer(string: "{\"number\":\(number),\"padding\":\"\(padding)\"}")
                            #expect(hub.publish(topic: "numbers", data: data) == 1)
                        }
                    }
                    sent = numbers.upperBound
                    try await slow.send(0x89, [UInt8(round)])
                    // Behind at first, then up to date again, then behind once more.
                    let isBehind = round % 20 < 15 && round < 55
                    while !isBehind && seen < sent {
                        let frame = try await slow.receive()
                        guard frame.opcode != 0xA else { continue }
                        let message = try JSONValue(parsing: ByteBuffer(bytes: frame.payload))
                        #expect(message["payload"]?["data"]?["number"] == .integer(Int64(seen)))
                        seen += 1
                    }
                }
                #expect(seen == sent && sent > 200)
            }
        }
    }

    @Test("a client that answers no ping is closed")
    func pongTimeout() async throws {
        try await TestHost.run(
            settings: .with {
                $0.pingInterval = .milliseconds(40)
                $0.pongTimeout = .milliseconds(200)
            }
        ) { host in
            try await WebSocketProbe.open(host.port, "/raw/vitals-agent") { client in
                #expect(try await client.receive().first == 0x89)
                var frame = try await client.receive()
                while frame.opcode == 0x9 { frame = try await client.receive() }
                #expect(frame.closeCode == 1011)
            }
        }
    }

    @Test("stopping closes WebSockets with 1001, lets an answer through, and ends")
    func stop() async throws {
        try await TestHost.run { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                _ = try await client.message()
                let stopped = try await RawConnection.open(host.port) { waiting in
                    try await waiting.send(
                        "POST /held HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                    )
                    try await host.until {
                        try await host.onWorker { [server = host.servers[0]] _ in server.answeringCount == 1 }
                    }
                    let stopped = host.servers[0].stop()
                    let frame = try await client.receive()
                    #expect(frame.closeCode == 1001)
                    try await client.send(0x88, [0x03, 0xE9])
                    try await host.requests[0].eventLoop.submit { [requests = host.requests[0]] in
                        requests.value.perform(.init(agent: 0, taskType: "release", input: .body(.init()))) { _ in }
                    }.get()
                    #expect(try await waiting.reply().status == 200)
                    #expect(try await waiting.receiveToEnd() == "")
                    return stopped
                }
                try await stopped.get()
            }
        }
    }
}
