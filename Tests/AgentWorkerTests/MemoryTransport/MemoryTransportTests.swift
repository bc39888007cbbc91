import AgentModel
import NIOCore
import Testing

@testable import AgentWorker

/// The proof of the seam: a transport of the tests' own, named in one line.
@Suite("A transport that the host does not know") struct MemoryTransportTests {
    private func start(_ script: String) throws -> (test: TestWorker, memory: MemoryTransport) {
        let test = try TestWorker([script], kafka: false, mqtt: false, transports: TransportTraits.all + [.memory])
        let (loop, name) = (test.worker.loop, TransportTraits.memory.name)
        let seat = WorkerSeat(eventLoop: loop, receiver: NIOLoopBound(test.worker, eventLoop: loop))
        let memory = MemoryTransport(for: seat)
        test.worker.connect(name, memory.outlet(of: seat))
        let wanted = test.worker.subscriptions(agent: 0)
        memory.subscribe(to: wanted[name], sends: wanted.isSent(to: name))
        return (test, memory)
    }

    private func texts(_ records: [Record]?) -> [String] {
        (records ?? []).map { $0.value.map { String(buffer: $0) } ?? "none" }
    }

    @Test("is heard and sent to, and acknowledged when what was sent has arrived")
    func roundTrip() throws {
        let (test, memory) = try start(
            """
            agent:on_message("orders", function(data, message)
              data.colour = message.colour
              data.from = message.source
              agent:send_memory("done", data, { key = "k", priority = 3, urgent = true })
            end, { source = "memory" })
            """)
        #expect(test.worker.subscriptions(agent: 0)[TransportTraits.memory.name].shared == ["orders"])
        #expect(test.worker.subscriptions(agent: 0).isSent(to: TransportTraits.memory.name))
        memory.publish("orders", #"{"n":1}"#)
        memory.publish("orders", #"{"n":2}"#)
        let sent = try #require(memory.topics["done"]?.first)
        #expect(texts(memory.topics["done"])[0] == #"{"colour":7,"from":"memory","n":1}"#)
        #expect(sent.key == ByteBuffer(string: "k"))
        #expect(sent.integer("priority") == 3 && sent.flag("urgent") == true)
        #expect(memory.acknowledged.isEmpty && memory.unsettled != 0)
        memory.settleAll()
        test.advance(0)
        memory.settleAll()
        #expect(memory.acknowledged == [#"{"n":1}"#, #"{"n":2}"#])
    }

    @Test("gets its dead letters, as its own words have it")
    func deadLetters() throws {
        let (test, memory) = try start(
            """
            agent:on_message("orders", function() error("no") end, { source = "memory", attempts = 1 })
            """)
        memory.publish("orders", "x")
        #expect(texts(memory.topics["orders.dead"]) == ["x"])
        let names = memory.topics["orders.dead"]?.first?.headers.map(\.name) ?? []
        #expect(names.contains("x-error") && names.contains("x-original-topic"))
        #expect(memory.acknowledged.isEmpty)
        memory.settleAll()
        test.advance(0)
        #expect(memory.acknowledged == ["x"])
    }

    @Test("what nobody handles is an event, with its own word for the payload")
    func events() throws {
        let (test, memory) = try start("")
        var topics = SubscribedTopics()
        topics.shared = ["orders"]
        memory.subscribe(to: topics, sends: false)
        memory.publish("orders", "{}")
        #expect(String(buffer: try #require(test.hub.events.first).data) == #"{"topic":"orders","value":{}}"#)
    }

    @Test(
        "mistakes are told in its words",
        arguments: [
            ("agent:send_memory('', 1)", "\"\" is no memory topic to send to: 1 to 20 characters expected"),
            ("agent:send_memory('a', 1, { priority = 10 })", "an integer from 1 to 9 expected, got 10"),
            (
                "agent:send_memory('a', 1, { partition = 1 })",
                "unknown option of 'send_memory' 'partition' (known: key, headers, priority, urgent)"
            ),
        ])
    func mistakes(call: String, words: String) throws {
        let (test, _) = try start("agent:task('t', function() \(call) end)")
        let error = try #require(test.task("t").error)
        #expect(error.contains(words), "\(error)")
    }
}
