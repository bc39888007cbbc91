import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("A new version") struct ReloadTests {
    @Test("takes the state over at the swap, with what waiting handlers did until then") func state() throws {
        let counting =
            "agent.state.n = 0 agent:on_message('in', function() agenthost.sleep(0.5) agent.state.n = agent.state.n + 1 end)"
        let test = try TestWorker(counting)
        test.deliver("in")
        try test.activate("agent.state.n = 0 agent:task('n', function() return agent.state.n end)")
        #expect(test.task("n").error != nil)
        test.advance(0.5)
        #expect(test.task("n").json == "1")
    }

    @Test("swaps after a second though a handler waits, which is named and finishes on its own version")
    func patience() throws {
        let test = try TestWorker(
            """
            agent:task('helper', function() return 'old' end)
            agent:on_message('in', function() agenthost.sleep(5) agent:publish('by', agent:process('helper')) end)
            """)
        let message = test.deliver("in")
        try test.activate("agent:task('helper', function() return 'new' end)")
        test.advance(1)
        #expect(test.lines.count(containing: "handler of in") == 1)
        #expect(test.task("helper").json == #""new""#)
        test.advance(4)
        #expect(test.hub.published.map(\.data) == [#""old""#])
        #expect(message.acknowledgements == 1)
        test.loop.run()
        #expect(test.worker.slots[0].draining.isEmpty)
    }

    @Test("ends what the old one still runs after 30 s; its message is handled by the new one") func forced() throws {
        let test = try TestWorker("agent:on_message('in', function() agenthost.sleep(1000) end)")
        let message = test.deliver("in")
        try test.activate("agent:on_message('in', function() agent:publish('by', 'new') end)")
        test.advance(1)
        test.advance(29)
        #expect(!message.isAcknowledged)
        test.advance(1)
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#""new""#])
        #expect(message.acknowledgements == 1)
        #expect(test.worker.slots[0].draining.isEmpty)
        #expect(test.laneCount == 0)
    }

    @Test("leaves the old one serving when on_start fails") func startFails() throws {
        let test = try TestWorker("agent:task('t', function() return 'old' end)")
        #expect(throws: ScriptFailure.self) {
            try test.activate("agent:on_start(function() error('no') end) agent:task('t', function() return 'new' end)")
        }
        test.worker.discardCandidate(agent: 0)
        #expect(test.task("t").json == #""old""#)
    }

    @Test("is started though its on_start spawns a loop, and sends to a broker that is away") func startInBackground()
        throws
    {
        let test = try TestWorker(
            """
            agent:on_start(function()
              agent:send_kafka('out', 'hello')
              agenthost.spawn(function() while true do agent:publish('tick', 1) agenthost.sleep(1) end end)
            end)
            agent:task('t', function() return 1 end)
            """)
        #expect(test.task("t").json == "1")
        test.advance(1)
        #expect(test.hub.published.count == 2)
    }

    @Test("can call its own tasks in on_start") func processInStart() throws {
        let start = """
            agent:task('t', function() return { by = 'NAME' } end)
            agent:on_start(function() agent:publish('by', agent:process('t').by) end)
            """
        let test = try TestWorker(start.replacing("NAME", with: "old"))
        try test.activate(start.replacing("NAME", with: "new"))
        #expect(test.hub.published.map(\.data) == [#""old""#, #""new""#])
    }
}

@Suite("Stopping") struct StopTests {
    private func drain(_ test: TestWorker, seconds: Int64 = 10) -> () -> Bool {
        var isDone = false
        test.worker.drain(deadline: test.loop.now + .seconds(seconds)).assumeIsolated().whenSuccess { isDone = true }
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
        test.advance(10)
        #expect(isDone())
        #expect(waiting.completions == 1)
        test.worker.close()
        #expect(running.completions == 1)
        guard case .failure(.stopping)? = running.value?.result else {
            Issue.record("the task that was cut off was not told so")
            return
        }
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
