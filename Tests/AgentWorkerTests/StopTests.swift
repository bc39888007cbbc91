import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("Stopping") struct StopTests {
    private func drain(_ test: TestWorker, seconds: Int64 = 10) -> () -> Bool {
        var isDone = false
        test.worker.drain(deadline: test.loop.now + .seconds(seconds)).assumeIsolated().whenSuccess { _ in isDone = true
        }
        return { isDone }
    }

    @Test("waits for handlers and effects, begins nothing new, and leaves the rest unacknowledged") func drains() throws
    {
        let test = try TestWorker(
            "agent:on_message('in', function(data) agent:publish('began', data) agenthost.sleep(1) agent:send_kafka('out', data) end)"
        )
        let first = test.deliver("in", "1")
        let second = test.deliver("in", "2", offset: 1)
        let isDone = drain(test)
        let third = test.deliver("other", "3")
        test.advance(1)
        #expect(!isDone())
        test.kafka.settleAll()
        #expect(isDone())
        #expect(first.acknowledgements == 1)
        #expect(!second.isAcknowledged && !third.isAcknowledged)
        #expect(test.hub.published.map(\.data) == ["1"])
    }

    @Test("does not wait for pauses, stopped lanes, or loops in the background") func doesNotWait() throws {
        let test = try TestWorker(
            """
            agent:on_start(function() agenthost.spawn(function() while true do agenthost.sleep(1) end end) end)
            agent:on_message('retry', function() error('x') end, { backoff = 60 })
            agent:on_message('stop', function() error('x') end, { attempts = 1, on_error = 'stop' })
            """)
        let messages = [test.deliver("retry"), test.deliver("stop")]
        #expect(drain(test)())
        test.advance(100)
        #expect(messages.allSatisfy { !$0.isAcknowledged })
    }

    @Test("waits for tasks, refuses new ones, and answers those that wait at the deadline") func tasks() throws {
        let test = try TestWorker(
            "agent:task('t', function() agenthost.sleep(100) end)", settings: { $0.maxConcurrentTasks = 1 })
        let running = test.task("t")
        let waiting = test.task("t")
        let isDone = drain(test)
        let refused = test.task("t")
        #expect(refused.completions == 1 && waiting.completions == 0)
        test.advance(9)
        #expect(!isDone() && running.completions == 0)
        test.advance(1)
        #expect(isDone())
        for task in [running, waiting, refused] {
            #expect(task.completions == 1)
            guard case .failure(.stopping)? = task.value?.result else {
                Issue.record("a task was not told that the host stops: \(task.error ?? "nothing")")
                continue
            }
        }
        #expect(test.lines.count(containing: "queued_tasks=1") == 1)
        test.worker.close()
        #expect(running.completions == 1)
    }

    @Test("a task that ends in time is answered, and lets one that waits begin until the deadline") func inTime() throws
    {
        let test = try TestWorker(
            "agent:task('t', function() agenthost.sleep(4) return 'done' end)", settings: { $0.maxConcurrentTasks = 1 })
        let tasks = [test.task("t"), test.task("t"), test.task("t")]
        let isDone = drain(test)
        test.advance(10)
        #expect(isDone())
        #expect(tasks[0].json == #""done""# && tasks[1].json == #""done""#)
        #expect(tasks[2].error == "The service is stopping")
    }

    @Test("a handler that waits for a task of its own is cut off with it, and nothing of either goes on") func nested()
        throws
    {
        let test = try TestWorker(
            """
            agent:task('inner', function() agenthost.sleep(100) end)
            agent:task('outer', function() local _, why = agent:process('inner') agent:publish('on', why) return why end)
            """)
        let outer = test.task("outer")
        let isDone = drain(test)
        test.advance(10)
        #expect(isDone() && outer.error == "The service is stopping")
        #expect(test.hub.published.isEmpty)
    }

    @Test("a message that is cut off at its last attempt is neither acknowledged nor dead-lettered") func messages()
        throws
    {
        let test = try TestWorker(
            """
            agent:on_message('in', function() agenthost.sleep(100) end, { attempts = 1 })
            agent:on_message('skip', function() agenthost.sleep(100) end, { attempts = 1, on_error = 'skip' })
            agent:on_event('noted', function() agenthost.sleep(100) end)
            agent:on_message('events', function() agent:emit { event_type = 'noted', data = {} } end, { attempts = 1 })
            """)
        let messages = [test.deliver("in"), test.deliver("skip"), test.deliver("events")]
        let isDone = drain(test)
        test.advance(10)
        #expect(isDone())
        test.kafka.settleAll()
        test.advance(100)
        #expect(messages.allSatisfy { !$0.isAcknowledged })
        #expect(test.kafka.sent.isEmpty && test.deadLetters == 0)
    }

    @Test("WebSocket clients are told of the stop, those whose message waits too; raw ones are closed with 1001")
    func clients() throws {
        let test = try TestWorker(
            """
            local agent = agenthost.realtime_agent { name = "agent-0", websocket_endpoints = {
              { path = "/raw", on_message = function() agenthost.sleep(100) end } } }
            agent:on_websocket('ask', function() agenthost.sleep(100) end)
            """)
        let client = TestClient("one")
        let raw = TestClient("two")
        for id in ["a", "b"] {
            _ = test.worker.websocketMessage(
                type: "ask", payload: ByteBuffer(string: "{}"), messageID: id, from: client)
        }
        test.worker.rawMessage(path: "/raw", client: raw, data: ByteBuffer(string: "x"), binary: false)
        let isDone = drain(test)
        test.advance(10)
        #expect(isDone())
        #expect(client.sent.map(\.responseTo) == ["a", "b"])
        #expect(client.sent.allSatisfy { $0.payload == #"{"error":"The service is stopping"}"# })
        #expect(raw.closeCode == 1001)
    }

    @Test("runs on_stop, and nothing touches the Lua state after the end") func closes() throws {
        let test = try TestWorker(
            """
            agent:on_stop(function() agenthost.sleep(1) agent:publish('stopped', 1) end)
            agent:on_message('in', function() agenthost.sleep(100) end)
            agent:every(1, function() agent:publish('tick', 1) end)
            """)
        let message = test.deliver("in")
        let isDone = drain(test, seconds: 2)
        test.advance(2)
        #expect(isDone())
        var isStopped = false
        test.worker.runStops().assumeIsolated().whenSuccess { isStopped = true }
        test.advance(1)
        #expect(isStopped)
        test.worker.close()
        test.deliver("in")
        test.advance(200)
        #expect(test.hub.published.map(\.topic) == ["stopped"])
        #expect(!message.isAcknowledged)
    }
}
