import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import AgentWorker

@Suite("Tasks") struct TaskTests {
    @Test("a task's result comes back once, between its two events") func plain() throws {
        let test = try TestWorker("agent:task('t', function(task) return { answer = task.query } end)")
        let outcome = test.task("t", query: "hello")
        #expect(outcome.completions == 1)
        #expect(outcome.json == #"{"answer":"hello"}"#)
        #expect(test.hub.eventTypes == ["agent_task_started", "agent_task_completed"])
        #expect(Set(test.hub.events.map(\.correlationID)) == [outcome.value?.taskID?.description])
    }

    @Test("whatever type the body asks for, the task is the endpoint's") func shownType() throws {
        let test = try TestWorker("agent:task('t', function(task) return task.type end)")
        #expect(test.task("t", body: #"{"query":"q","task_type":"other"}"#).json == #""t""#)
    }

    @Test("that takes too long fails in the same words in its answer, its event, the log and for its caller")
    func oneText() throws {
        let test = try TestWorker(
            """
            agent:task('slow', function() agenthost.sleep(100) end)
            agent:every(0.1, function() agent:publish('said', select(2, agent:process('slow', {}))) end)
            """, settings: { $0.taskTimeout = 0.5 })
        let outcome = test.task("slow")
        test.advance(0.5)
        let text = "Task timed out after 0.5 s"
        #expect(outcome.error == text)
        #expect(test.hub.events.map { String(buffer: $0.data) }.last?.contains(#""error":"\#(text)""#) == true)
        #expect(test.lines.count(containing: "error: \(text) ") == 1)
        test.advance(0.2)
        #expect(test.hub.published.map(\.data) == ["\"\(text)\""])
    }

    @Test("one whose record could not be queued has no plain result, but what it answers itself stands")
    func overload() throws {
        let test = try TestWorker(
            """
            agent:task('trusts', function() agent:send_kafka('out', 'a') return 'sent' end)
            agent:task('looks', function()
              local sent, reason = agent:send_kafka('out', 'a')
              return agenthost.answer(sent and 200 or 202, { reason = reason })
            end)
            """)
        test.kafka.refusal = "the queue is full"
        guard case .failure(.overloaded(let reason))? = test.task("trusts").value?.result else {
            Issue.record("it has a result")
            return
        }
        #expect(reason == "the queue is full")
        #expect(test.task("looks").value?.answer?.status == 202)
        test.kafka.refusal = nil
        #expect(test.task("trusts").json == #""sent""#)
    }

    @Test("a request that does not hold together emits nothing") func invalid() throws {
        let test = try TestWorker("agent:task('t', function() end)")
        let outcome = test.task("t", body: "{}")
        #expect(outcome.completions == 1)
        #expect(outcome.error?.contains("Field required") == true)
        #expect(test.hub.events.isEmpty)
    }

    @Test("an error names the line, and so does a result that is a function") func failures() throws {
        let test = try TestWorker(
            """
            agent:task('raises', function() error('boom') end)
            agent:task('returns', function()
              return function() end
            end)
            """)
        #expect(test.task("raises").error?.hasPrefix("agent0.lua:1: boom") == true)
        #expect(test.task("returns").error?.hasPrefix("agent0.lua:2: result") == true)
        #expect(test.hub.eventTypes.count { $0 == "agent_task_failed" } == 2)
        #expect(test.errors == 2)
    }

    private static let slow =
        "agent:task('t', function(task) agent:publish('began', task.query) agenthost.sleep(10) return task.query end)"

    @Test("MAX_CONCURRENT_TASKS run, MAX_QUEUED_TASKS wait in order, more are refused") func limits() throws {
        let test = try TestWorker(
            Self.slow,
            settings: {
                $0.maxConcurrentTasks = 2
                $0.maxQueuedTasks = 2
            })
        let outcomes = (1...5).map { test.task("t", query: "\($0)") }
        #expect(test.hub.published.map(\.data) == [#""1""#, #""2""#])
        guard case .failure(.queueFull)? = outcomes[4].value?.result else {
            Issue.record("the fifth was not refused")
            return
        }
        test.advance(10)
        test.advance(10)
        #expect(outcomes.map(\.completions) == [1, 1, 1, 1, 1])
        #expect(outcomes[3].json == #""4""#)
    }

    @Test("a task that waits for its turn past TASK_TIMEOUT is answered, and its wait counts when it runs")
    func queuedTimeout() throws {
        let test = try TestWorker(
            Self.slow,
            settings: {
                $0.maxConcurrentTasks = 1
                $0.taskTimeout = 12
            })
        let first = test.task("t", query: "1")
        let second = test.task("t", query: "2")
        let third = test.task("t", query: "3")
        test.advance(10)
        #expect(first.json == #""1""#)
        test.advance(2.1)
        #expect(test.hub.published.map(\.data) == [#""1""#, #""2""#])
        for outcome in [second, third] {
            guard case .failure(.timedOut)? = outcome.value?.result else {
                Issue.record("it did not time out")
                continue
            }
            #expect(outcome.completions == 1)
        }
        #expect(test.worker.slots[0].runningTasks == 0)
    }

    @Test("a task past TASK_TIMEOUT is ended once, and what it waited for comes too late") func timeout() throws {
        let test = try TestWorker(
            "agent:task('t', function() return agenthost.http.get('http://x/').status end)",
            settings: { $0.taskTimeout = 3 })
        let outcome = test.task("t")
        test.advance(3)
        #expect(outcome.completions == 1)
        #expect(test.outbound.cancelled == 1)
        test.outbound.answerFirst()
        #expect(outcome.completions == 1)
        let second = test.task("t")
        test.outbound.answerFirst()
        #expect(second.json == "200")
        test.advance(3)
        #expect(test.errors == 1)
    }

    @Test("agent:process runs a task from any handler and gives its result or nil and the error") func process() throws
    {
        let test = try TestWorker(
            """
            agent:task('double', function(task) agenthost.sleep(1) return { n = task.parameters.n * 2 } end)
            agent:task('bad', function() error('no') end)
            agent:on_message('in', function(data)
              local result = assert(agent:process('double', { parameters = { n = data.n } }))
              local nothing, reason = agent:process('bad')
              agent:publish('out', result.n .. ' ' .. reason)
            end)
            """)
        let message = test.deliver("in", #"{"n":21}"#)
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#""42 agent0.lua:2: no""#])
        #expect(message.acknowledgements == 1)
    }

    @Test("a task asked for by the completion of another begins after it") func nested() throws {
        let test = try TestWorker("agent:task('t', function(task) return task.query end)")
        var order: [String] = []
        func ask(_ rest: Int) {
            let request = TaskRequest(
                agent: 0, taskType: "t", input: .body(ByteBuffer(string: #"{"query":"\#(rest)"}"#)))
            test.worker.perform(request) { _ in
                if rest > 0 { ask(rest - 1) }
                order.append("\(rest)")
            }
        }
        ask(2000)
        test.loop.run()
        #expect(order.count == 2001)
        #expect(order.first == "2000")
    }
}
