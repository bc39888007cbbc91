import AgentModel
import Testing

@testable import AgentHosting

/// What a host says when it has started.
@Suite struct StartReportTests {
    private static func agent(_ lines: [AgentDescription.Line], name: String = "building") -> AgentDescription {
        AgentDescription(name: name, isRealtime: true, file: "building.lua", version: "0123456789ab", lines: lines)
    }

    private static func report(
        _ agents: [AgentDescription], kafka: String? = nil, mqtt: String? = nil, missing: [MissingBroker] = [],
        watched: [String]? = ["/work/building.lua", "/work/lib/mean.lua", "/etc/shared.lua"]
    ) -> [String] {
        StartReport(
            agents: agents,
            ready: ReadyReport(http: "http://127.0.0.1:8080", kafka: kafka, mqtt: mqtt, pid: 1), isKafkaEmbedded: true,
            isMQTTEmbedded: false, missing: missing, watched: watched, grace: .milliseconds(2500)
        ).lines(in: "/work").map { $0.text() }
    }

    @Test("names the agent, what it declares, what is watched, where it is reached and how it is stopped") func whole()
    {
        let lines = Self.report(
            [
                Self.agent([
                    .init(.endpoint, "POST /estimate", "task estimate"), .init(.websocket, "/ws/rooms", "topics rooms"),
                    .init(.task, "estimate"), .init(.task, "only_by_websocket"), .init(.timer, "every 60 s"),
                ])
            ], kafka: "127.0.0.1:9092")
        #expect(
            lines == [
                "realtime agent building  building.lua  version 0123456789ab",
                "  endpoint   POST /estimate  task estimate",
                "  websocket  /ws/rooms  topics rooms",
                "  task       only_by_websocket",
                "  timer      every 60 s",
                "built in     GET /health, /livez, /readyz, /metrics, /capabilities, /realtime/status, /stream/events; "
                    + "WebSocket /ws, /ws/events",
                "watching     /etc/shared.lua, building.lua, lib/mean.lua",
                "http://127.0.0.1:8080",
                "kafka 127.0.0.1:9092  embedded, in memory, open to every user of this machine",
                "Ctrl-C stops, and SIGTERM; what is under way has 2.5 s to finish",
            ])
    }

    @Test("a topic is told with the brokers that are there, of those where it can be") func topics() {
        let agent = Self.agent([
            .init(.topic, "orders", "attempts 3, then dlq", sources: [.kafka, .mqtt]),
            .init(.topic, "building/+/temp", "attempts 3, then dlq", sources: [.mqtt]),
        ])
        func topics(kafka: String?, mqtt: String?) -> [String] {
            Self.report([agent], kafka: kafka, mqtt: mqtt).filter { $0.hasPrefix("  topic") }
        }
        #expect(
            topics(kafka: "k:1", mqtt: "m:1") == [
                "  topic      orders  kafka, mqtt", "  topic      building/+/temp  mqtt",
            ])
        #expect(
            topics(kafka: "k:1", mqtt: nil) == [
                "  topic      orders  kafka", "  topic      building/+/temp  no broker",
            ])
    }

    @Test("much is cut short, and where all of it is shown is said", arguments: [(1, 10), (2, 10), (3, 4), (6, 3)])
    func many(agents: Int, most: Int) {
        let endpoints = (1...40).map { AgentDescription.Line(.endpoint, "POST /\($0)", "task t") }
        let lines = Self.report((1...agents).map { Self.agent(endpoints, name: "a\($0)") })
            .filter { $0.hasPrefix("  endpoint") }
        #expect(lines.count == agents * most)
        #expect(lines.last == "  endpoint   and \(41 - most) more: agenthost check")
    }

    @Test("exactly as many as fit are all shown") func fitting() {
        let endpoints = (1...10).map { AgentDescription.Line(.endpoint, "POST /\($0)", "task t") }
        #expect(!Self.report([Self.agent(endpoints)]).contains { $0.contains("more") })
    }

    @Test("nothing is watched without reloads, nor of an agent that comes with the program") func unwatched() {
        #expect(Self.report([Self.agent([])], watched: []).contains("watching     nothing: there is no file"))
        #expect(Self.report([Self.agent([])], watched: nil).contains("watching     nothing: SIGHUP reloads"))
    }
}

/// A broker that agents need and that is not there.
@Suite struct MissingBrokerTests {
    @Test(
        "says why, which topics get nothing, and what becomes of what is sent",
        arguments: [
            (["building/+/temp"], [], false, "no MQTT: because; building/+/temp gets no messages"),
            (["a", "b"], [], false, "no MQTT: because; a, b get no messages"),
            ([], ["a"], false, "no MQTT: because; a from Kafka alone"),
            ([], [], true, "no MQTT: because; agent:send_mqtt returns nil and an error"),
            (
                ["1", "2", "3", "4", "5", "6", "7"], [], false,
                "no MQTT: because; 1, 2, 3, 4, 5 and 2 more get no messages"
            ),
        ] as [([String], [String], Bool, String)])
    func described(silent: [String], elsewhere: [String], isSentTo: Bool, text: String) {
        let missing = MissingBroker(
            .mqtt, reason: "because", silent: silent, elsewhere: elsewhere, isSentTo: isSentTo)
        #expect("\(missing)" == text)
    }
}

/// What a host says when it stops.
@Suite struct HostAnnouncementTests {
    @Test(
        "a stop says what it waits for, and for how long",
        arguments: [
            (WorkUnderWay(), "stopping; nothing is under way"),
            (WorkUnderWay(tasks: 1), "stopping: 1 task may take 2.5 s to finish; Ctrl-C again ends at once"),
            (
                WorkUnderWay(tasks: 2, messages: 1),
                "stopping: 2 tasks and 1 message may take 2.5 s to finish; Ctrl-C again ends at once"
            ),
        ])
    func stopping(work: WorkUnderWay, line: String) {
        let lines = HostAnnouncement.stopping(work, grace: .milliseconds(2500)).lines.map { $0.text() }
        #expect(lines == [line])
    }

    @Test("the end says whether all was finished") func stopped() {
        #expect(
            HostAnnouncement.stopped(after: .milliseconds(123), cutOff: []).lines.map { $0.text() }
                == ["stopped cleanly after 0.1 s"])
        #expect(
            HostAnnouncement.stopped(after: .milliseconds(10_010), cutOff: ["task t", "handler of a/b"]).lines
                .map { $0.text() } == ["stopped after 10 s; cut off: task t, handler of a/b"])
    }
}

/// Lines for a terminal.
@Suite struct ConsoleLineTests {
    private let line = ConsoleLine("plain ") + ConsoleLine("strong", .strong) + ConsoleLine("", .bad)

    @Test("have their styles where these are wanted, and nowhere else") func styles() {
        #expect(line.text() == "plain strong")
        #expect(line.text(styled: true) == "plain \u{1B}[1mstrong\u{1B}[0m")
    }

    @Test("show what a script put into them, which never acts on the terminal") func foreign() {
        #expect(ConsoleLine("a\u{1B}[2J\nb", .good).text(styled: true) == "\u{1B}[32ma\\u001b[2J\\nb\u{1B}[0m")
    }
}
