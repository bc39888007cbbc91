import AgentModel
import NIOCore
import Testing

@testable import AgentWorker

/// MQTT messages that belong to several filters of an agent.
@Suite("A message of overlapping filters") struct OverlapTests {
    private static let two = """
        agent:on_message('a/#', function(data) agent:publish('wide', data) end)
        agent:on_message('a/+/c', function(data) agent:publish('narrow', data) end)
        """

    @Test("goes to every handler once, in order of registration") func everyHandler() throws {
        let test = try TestWorker(
            Self.two + " agent:on_message('a/b/c', function(data) agent:publish('exact', data) end)")
        let message = test.deliver("a/b/c", "1", source: .mqtt)
        #expect(test.hub.published.map(\.topic) == ["wide", "narrow", "exact"])
        #expect(message.acknowledgements == 1)
        test.deliver("a/x", "2", source: .mqtt)
        #expect(test.hub.published.map(\.topic).suffix(1) == ["wide"])
        #expect(test.laneCount == 0)
    }

    @Test("is acknowledged when the last of its handlers is done") func acknowledgement() throws {
        let test = try TestWorker(
            """
            agent:on_message('a/#', function() agenthost.sleep(3) end)
            agent:on_message('a/b', function() agent:send_kafka('out', 1) end)
            """)
        let message = test.deliver("a/b", source: .mqtt)
        test.advance(3)
        #expect(!message.isAcknowledged)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("is tried again for the handler that failed, and for no other") func failure() throws {
        let test = try TestWorker(
            """
            agent:on_message('a/#', function(_, message) agent:publish('try', message.attempt) error('no') end, { attempts = 2 })
            agent:on_message('a/b', function(data) agent:publish('fine', data) end)
            """)
        let message = test.deliver("a/b", "1", source: .mqtt)
        #expect(test.hub.published.map(\.topic) == ["try", "fine"], "nobody waits for the one that fails")
        test.advance(0.2)
        #expect(test.hub.published.map(\.topic) == ["try", "fine", "try"])
        #expect(!message.isAcknowledged)
        #expect(test.kafka.sent.map(\.topic) == ["agent-0.dlq"])
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("comes in the order of its topic to each handler, whatever the others take") func order() throws {
        let test = try TestWorker(
            """
            agent:on_message('a/#', function(data) agenthost.sleep(1) agent:publish('slow', data) end)
            agent:on_message('a/b', function(data) agent:publish('quick', data) end)
            """)
        let messages = (1...3).map { test.deliver("a/b", "\($0)", source: .mqtt) }
        test.advance(3)
        #expect(test.hub.published.filter { $0.topic == "slow" }.map(\.data) == ["1", "2", "3"])
        #expect(test.hub.published.filter { $0.topic == "quick" }.map(\.data) == ["1", "2", "3"])
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
        #expect(test.laneCount == 0)
    }

    @Test("goes to the handlers of several agents, each once") func agents() throws {
        let test = try TestWorker([Self.two, "agent:on_message('+/b/c', function() agent:publish('other', 1) end)"])
        let message = test.deliver("a/b/c", "1", source: .mqtt)
        #expect(test.hub.published.map(\.topic).sorted() == ["narrow", "other", "wide"])
        #expect(message.acknowledgements == 1)
    }

    @Test("that waits for a handler which a reload takes away goes to those of the new version it has not been with")
    func reload() throws {
        let test = try TestWorker(
            """
            agent:on_message('a/#', function() agenthost.sleep(1) end)
            agent:on_message('a/b', function() end)
            """)
        let first = test.deliver("a/b", "1", source: .mqtt)
        let second = test.deliver("a/b", "2", source: .mqtt)
        try test.activate(
            """
            agent:on_message('a/b', function(data) agent:publish('again', data) end)
            agent:on_message('+/b', function(data) agent:publish('new', data) end)
            """)
        test.advance(1)
        #expect(test.hub.published.map { "\($0.topic) \($0.data)" } == ["new 2"])
        #expect(first.acknowledgements == 1 && second.acknowledgements == 1)
        #expect(test.laneCount == 0)
    }

    @Test("check tells which filters overlap") func described() throws {
        let test = try TestWorker("agent:on_message('x', print)")
        try test.load(Self.two)
        let lines = try #require(test.worker.description(agent: 0)).text
        #expect(lines.contains { $0.contains("overlap    a/#, a/+/c") })
    }

    @Test("a configured topic that has a handler is told with it, and not again") func configured() throws {
        let test = try TestWorker(
            "agent:on_message('t', print, { source = 'kafka' })",
            settings: {
                $0.topics[.kafka] = ["t", "u"]
                $0.topics[.mqtt] = ["t"]
            })
        let topics = try #require(test.worker.description(agent: 0)).lines.filter { $0.kind == .topic }
        #expect(
            topics.map(\.text) == [
                "  topic      t  kafka  attempts 3, then dlq", "  topic      u  kafka  to events",
                "  topic      t  mqtt  to events",
            ])
    }

    @Test(
        "without a handler becomes an event, whose bytes are text or Base64",
        arguments: [
            (nil, TransportTraits.kafka, "null"), ("", .kafka, "\"\""), ("{}", .kafka, "{}"),
            ("plain", .kafka, #""plain""#),
            ("", .mqtt, "\"\""),
        ] as [(String?, TransportTraits, String)])
    func events(payload: String?, source: TransportTraits, json: String) throws {
        let test = try TestWorker(
            "",
            settings: {
                $0.topics[.kafka] = ["t"]
                $0.topics[.mqtt] = ["t"]
            })
        test.deliver("t", payload, source: source)
        let data = try #require(test.hub.events.first).data
        #expect(
            String(buffer: data).contains(
                source === TransportTraits.kafka ? "\"message\":\(json)," : "\"payload\":\(json)}"))
    }
}
