import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

/// Writes down what it hears.
private final class Witness: RunObserver {
    var seesEffects = true
    private(set) var lines: [String] = []
    private(set) var causes: [Cause] = []

    func began(_ run: any ObservedRun) {
        let cause = run.cause
        causes.append(cause)
        lines.append("begin \(cause.handler ?? "")\(run.isBackground ? " (background)" : "")")
    }

    func performed(_ effect: Effect, _ answer: EffectAnswer, in run: (any ObservedRun)?) {
        let what: String
        switch effect {
        case .send(let transport, let record):
            what = "\(transport) \(record.topic) \(record.value.map(String.init(buffer:)) ?? "")"
        case .event(let event): what = "event \(event.eventType)"
        case .publish(let topic, _): what = "publish \(topic)"
        default: what = "other"
        }
        guard case .taken = answer else { return lines.append("refused \(what)") }
        lines.append("\(run == nil ? "host's " : "")\(what)")
    }

    func ended(_ run: any ObservedRun, _ end: RunEnd, nanoseconds: Int64) {
        let how =
            switch end {
            case .returned: "returned"
            case .failed(let reason): "failed \(reason.suffix(4))"
            case .cutOff: "cut off"
            }
        lines.append("end \(run.cause.handler ?? "") \(how)")
    }

    func closed(_ version: Generation) { lines.append("closed") }

    func take() -> [String] {
        defer { lines = [] }
        return lines
    }
}

@Suite("Observers of runs") struct ObserverTests {
    @Test("hear of a message's runs in order: beginning, effects, end; of retries, and of the host's own dead letter")
    func message() throws {
        let witness = Witness()
        let test = try TestWorker(
            [
                "agent:on_message('in', function(data) agent:send_kafka('out', data) error('no!!') end, { attempts = 2 })"
            ],
            observers: [witness])
        test.kafka.acknowledges = true
        test.deliver("in", #"{"a":1}"#, partition: 3, offset: 7)
        test.advance(1)
        let attempt = ["begin handler of in", #"kafka out {"a":1}"#, "end handler of in failed no!!"]
        #expect(witness.lines.prefix(6) == (attempt + attempt)[...])
        #expect(witness.lines.count == 7 && witness.lines[6].hasPrefix("host's kafka in.dlq "))
        #expect(witness.causes.map(\.messageID) == ["in/3/7", "in/3/7"])
        #expect(witness.causes.map(\.attempt) == [1, 2])
        #expect(witness.causes.allSatisfy { $0.agent == "agent-0" && $0.version == test.version })
    }

    @Test("hear of tasks, events, spawned functions, timers and what runs in a version's life, and when it is closed")
    func others() throws {
        let witness = Witness()
        let script = """
            agent:on_start(function() end)
            agent:after(1, function() agent:publish('t', 1) end)
            agent:on_event('e', function() end)
            agent:task('t', function() agent:emit { event_type = 'e', data = {} } agenthost.spawn(function() end) return 1 end)
            """
        let test = try TestWorker([script], observers: [witness])
        #expect(witness.take() == ["begin on_start", "end on_start returned"])
        let id = try #require(test.task("t").value?.taskID)
        test.loop.run()
        let lines = witness.take()
        #expect(lines.filter { $0.contains("task t") } == ["begin task t", "end task t returned"])
        #expect(lines.contains("event e") && lines.contains("host's event agent_task_completed"))
        #expect(lines.contains("begin handler of event e") && lines.contains("begin spawned function (background)"))
        let task = try #require(witness.causes.first { $0.handler == "task t" })
        #expect(task.taskID == "\(id)" && task.correlationID == "\(id)")
        #expect(witness.causes.first { $0.handler == "spawned function" }?.correlationID == "\(id)")
        test.advance(1)
        #expect(witness.take() == ["begin agent:after", "publish t", "end agent:after returned"])
        try test.activate(script)
        test.loop.run()
        #expect(witness.take().contains("closed"))
    }

    @Test("that want no effects are given none, and all are told of the same runs") func several() throws {
        let (one, other) = (Witness(), Witness())
        other.seesEffects = false
        let test = try TestWorker(
            ["agent:on_message('in', function(data) agent:send_kafka('out', data) end)"], observers: [one, other])
        test.deliver("in", "1")
        #expect(one.lines == ["begin handler of in", "kafka out 1", "end handler of in returned"])
        #expect(other.lines == ["begin handler of in", "end handler of in returned"])
    }

    @Test("know the trace that a message belongs to; two traces are none") func trace() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let header = MessageHeader(name: "traceparent", value: Array(parent.utf8))
        let witness = Witness()
        let test = try TestWorker(["agent:on_message('in', function(data) end)"], observers: [witness])
        test.worker.receive(TestMessage("in", "1", headers: [header]))
        test.worker.receive(TestMessage("in", "1", headers: [header, header]))
        test.worker.receive(TestMessage("in", "1"))
        #expect(witness.causes.map(\.traceparent) == [parent, nil, nil])
        let request = RequestContext(head: ByteBuffer(string: "POST /t HTTP/1.1\r\nTraceParent: \(parent)\r\n\r\n"))
        let tasks = try TestWorker(["agent:task('t', function() end)"], observers: [witness])
        let input = TaskRequest.Input.body(ByteBuffer(string: #"{"query":"q"}"#))
        for context in [request, .none] {
            let task = TaskRequest(agent: 0, taskType: "t", input: input, context: context)
            tasks.worker.perform(task) { _ in }
        }
        #expect(witness.causes.suffix(2).map(\.traceparent) == [parent, nil])
    }
}
