import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1
@testable import Realtime

@Suite("Server-Sent Events", .timeLimit(.minutes(1)))
struct EventStreamTests {
    struct Event: Equatable {
        var id = ""
        var type = ""
        var data = ""

        var json: JSONValue { (try? JSONValue(parsing: data)) ?? .null }
    }

    /// Opens a stream and waits for its head.
    private func stream<Result>(
        _ host: TestHost, _ path: String, after id: String? = nil, receiveBuffer: Int? = nil,
        _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        try await RawConnection.open(host.port, receiveBuffer: receiveBuffer) { connection in
            let resume = id.map { "Last-Event-ID: \($0)\r\n" } ?? ""
            try await connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\(resume)\r\n")
            let head = try await connection.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.contains("content-type: text/event-stream"))
            return try await body(connection)
        }
    }

    private func event(_ connection: RawConnection) async throws -> Event {
        while true {
            let block = try await connection.receive(through: "\n\n")
            var event = Event()
            for line in block.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = String(parts[1].dropFirst())
                switch parts[0] {
                case "id": event.id = value
                case "event": event.type = value
                default: event.data += value
                }
            }
            // The id that a stream opens with is no event.
            if !event.data.isEmpty { return event }
        }
    }

    @Test("a stream of all events, and those of topics, show what they should")
    func contents() async throws {
        try await TestHost.run { host in
            try await stream(host, "/stream/events") { events in
                try await stream(host, "/stream/topic/a%2Fb/c") { topic in
                    try await stream(host, "/alerts/vitals-agent") { alerts in
                        let reply = try await host.request("POST", "/realtime/topic/a/b%2fc", "{\"n\":\n1}")
                        #expect(reply.body == #"{"status":"sent","topic":"a/b/c","subscribers":1}"#)
                        try await host.emit("first", topic: "alerts")
                        try await host.emit("second")
                        let published = try await event(topic)
                        #expect(published.json == ["topic": "a/b/c", "data": ["n": 1]])
                        #expect(published.type == "")
                        #expect(try await event(alerts).json["event_type"] == "first")
                        #expect(try await event(events).json["event_type"] == "first")
                        #expect(try await event(events).json["event_type"] == "second")
                    }
                }
            }
        }
    }

    @Test("streams resume without a gap or a duplicate, on whichever worker")
    func resume() async throws {
        try await TestHost.run(workers: 2) { host in
            var next = 0
            var last: String?
            func publish(_ count: Int) async throws {
                for _ in 0..<count {
                    next += 1
                    _ = try await host.publish("t", "\(next)", worker: next % 2)
                }
            }
            var expected = 1
            for round in 0..<12 {
                try await stream(host, round % 2 == 0 ? "/stream/topic/t" : "/stream/topic/t?x=1", after: last) {
                    connection in
                    try await publish(5)
                    for _ in 0..<(round == 0 ? 5 : 8) {
                        let event = try await event(connection)
                        #expect(event.json["data"] == .integer(Int64(expected)))
                        expected += 1
                        last = event.id
                    }
                }
                // While nobody listens.
                try await publish(3)
            }
            let id = try #require(last)
            try await stream(host, "/stream/topic/t?last_event_id=\(id)") { connection in
                let event = try await event(connection)
                #expect(event.json["data"] == .integer(Int64(expected)))
            }
        }
    }

    @Test("a stream that breaks before its first event has an id to go on from", arguments: [0, 3])
    func resumeFromOpening(before: Int) async throws {
        try await TestHost.run(workers: 2) { host in
            try await stream(host, "/stream/topic/t") { connection in
                for number in 0..<before {
                    _ = try await host.publish("t", "\(number)")
                    _ = try await event(connection)
                }
            }
            let opening = try await stream(host, "/stream/topic/t") { try await $0.receive(through: "\n\n") }
            #expect(opening.hasPrefix("id: ") && opening.hasSuffix("-\(before)\n\n"))
            let id = String(opening.dropFirst(4).dropLast(2))
            for number in 1...3 { _ = try await host.publish("t", "\(number)", worker: number % 2) }
            try await stream(host, "/stream/topic/t", after: id) { connection in
                for number in 1...3 {
                    let event = try await event(connection)
                    #expect(event.type == "")
                    #expect(event.json["data"] == .integer(Int64(number)))
                }
            }
        }
    }

    @Test("streams are subscribers of their topic, on every worker, as long as they are open")
    func subscribers() async throws {
        try await TestHost.run(workers: 2) { host in
            #expect(try await host.publish("t", "0") == 0)
            try await stream(host, "/stream/topic/t") { _ in
                try await stream(host, "/stream/topic/t") { _ in
                    #expect(try await host.publish("t", "1") == 2)
                    #expect(try await host.publish("t", "1", worker: 1) == 2)
                    #expect(try await host.publish("other", "1") == 0)
                    try await WebSocketProbe.open(host.port, "/ws") { client in
                        try await client.send(text: #"{"message_type":"subscribe","payload":{"topic":"t"}}"#)
                        let confirmed = try await client.message("subscription_confirmed")
                        #expect(confirmed["payload"] == ["topic": "t", "subscriber_count": 3])
                        let answered = try await host.request("POST", "/realtime/topic/t", "{}")
                        #expect(answered.json["subscribers"] == 3)
                        let page = try await host.request("GET", "/realtime/connections").json
                        #expect(page["topics"] == ["t": 3])
                        #expect(page["total_topics"] == 1)
                        #expect(page["total_subscriptions"] == 3)
                        #expect(page["total_connections"] == 1)
                    }
                }
            }
            try await host.until { try await host.publish("t", "2") == 0 }
            #expect(try await host.request("GET", "/realtime/connections").json["topics"] == [:])
        }
    }

    @Test("every stream shows the same events in the same order, whichever workers publish")
    func order() async throws {
        try await TestHost.run(workers: 2) { host in
            try await stream(host, "/stream/topic/t") { one in
                try await stream(host, "/stream/topic/t") { two in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for worker in 0..<2 {
                            group.addTask {
                                for number in 0..<200 {
                                    _ = try await host.publish("t", "\(worker * 1000 + number)", worker: worker)
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    var seen: [Event] = []
                    for _ in 0..<400 {
                        let event = try await event(one)
                        #expect(try await self.event(two) == event)
                        seen.append(event)
                    }
                    #expect(Set(seen.map(\.id)).count == 400)
                }
            }
        }
    }

    @Test("an id that is not kept is answered with a reset, and the stream goes on from there")
    func reset() async throws {
        try await TestHost.run(settings: .with { $0.window.events = 3 }) { host in
            let first = try await stream(host, "/stream/topic/t") { connection in
                for number in 1...5 { _ = try await host.publish("t", "\(number)") }
                let event = try await event(connection)
                return event
            }
            for (id, hasWindow) in [(first.id.replacing(/-\d+/, with: "-1"), true), ("abc", true), ("1-1", true)] {
                try await stream(host, "/stream/topic/t", after: id) { connection in
                    let reset = try await event(connection)
                    #expect(reset.type == "reset")
                    #expect(reset.json["reason"]?.stringValue?.isEmpty == false)
                    #expect((reset.json["oldest"]?.stringValue?.hasSuffix("-3") == true) == hasWindow)
                    #expect(reset.json["newest"]?.stringValue?.hasSuffix("-5") == true)
                    #expect(reset.id == reset.json["newest"]?.stringValue)
                }
            }
            try await stream(host, "/stream/topic/other", after: "abc") { connection in
                let reset = try await event(connection)
                #expect(reset.json["oldest"] == .null)
                _ = try await host.publish("other", "1")
                #expect(try await event(connection).json["data"] == 1)
            }
        }
    }

    @Test("a long history is sent as fast as its client takes it")
    func longHistory() async throws {
        try await TestHost.run(settings: .with { $0.http.clientQueueBytes = 64 << 10 }) { host in
            let first = try await stream(host, "/stream/topic/t") { connection in
                _ = try await host.publish("t", "0")
                return try await event(connection)
            }
            let text = String(repeating: "x", count: 10_000)
            for number in 1...600 { _ = try await host.publish("t", #"{"n":\#(number),"text":"\#(text)"}"#) }
            try await stream(host, "/stream/topic/t", after: first.id) { connection in
                for number in 1...600 {
                    #expect(try await event(connection).json["data"]?["n"] == .integer(Int64(number)))
                }
                _ = try await host.publish("t", #"{"n":601}"#)
                #expect(try await event(connection).json["data"]?["n"] == 601)
            }
        }
    }

    @Test("a live stream whose client does not read is ended, and slows nobody")
    func slowClient() async throws {
        try await TestHost.run { host in
            try await stream(host, "/stream/topic/t", receiveBuffer: 4096) { slow in
                try await stream(host, "/stream/topic/t") { other in
                    let text = "\"" + String(repeating: "x", count: 60_000) + "\""
                    var published = 0
                    while try await host.connectionCount == 2 {
                        _ = try await host.publish("t", text)
                        _ = try await event(other)
                        published += 1
                    }
                    #expect(published > 10)
                }
                #expect(try await slow.receiveToEnd().count < 200 * 60_000)
            }
        }
    }

    @Test("comments keep a silent stream alive, and stopping ends it")
    func comments() async throws {
        try await TestHost.run(settings: .with { $0.commentInterval = .milliseconds(20) }) { host in
            try await stream(host, "/stream/events") { connection in
                #expect(try await connection.receive(through: "\n\n").hasPrefix("id: "))
                #expect(try await connection.receive(through: "\n") == ": keep-alive\n")
                let stopped = host.servers[0].stop()
                _ = try await connection.receiveToEnd()
                try await connection.close()
                try await stopped.get()
            }
        }
    }

    @Test("HEAD of a stream is its head")
    func head() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                try await connection.send("HEAD /stream/events HTTP/1.1\r\nHost: a\r\n\r\n")
                let text = try await connection.receiveToEnd()
                #expect(text.hasPrefix("HTTP/1.1 200 OK"))
                #expect(text.hasSuffix("\r\n\r\n"))
            }
        }
    }
}
