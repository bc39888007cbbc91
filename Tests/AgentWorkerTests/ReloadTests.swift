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
        let asked = test.task("n")
        #expect(asked.completions == 0)
        test.advance(0.5)
        #expect(asked.json == "1")
    }

    @Test("copies the state once: on_upgrade runs once, and what on_start writes into it stays") func oneCopy() throws {
        let test = try TestWorker("agent.state.n = 1")
        try test.activate(
            """
            local upgrades = 0
            agent:on_upgrade(function(state) upgrades = upgrades + 1 state.n = state.n + 10 return state end)
            agent:on_start(function() agent.state.started = agent.state.n agenthost.sleep(1) agent.state.n = agent.state.n + 100 end)
            agent:task('t', function() return { upgrades, agent.state.started, agent.state.n } end)
            """)
        let asked = test.task("t")
        test.advance(1)
        #expect(asked.json == "[1,11,111]")
    }

    @Test("holds messages, tasks, events, timers and clients while on_start runs, and begins them on what it leaves")
    func holds() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function() agent:publish('by', 'old') end)
            agent:on_event('e', function() agent:publish('by', 'old event') end)
            agent:on_websocket('ask', function() agent:publish('by', 'old client') end)
            agent:every(0.4, function() agent:publish('by', 'old timer') end)
            """)
        try test.activate(
            """
            agent:on_start(function() agenthost.sleep(1) agent.state.ready = 'new' agent:emit { event_type = 'e', data = {} } end)
            agent:on_message('in', function() agent:publish('by', agent.state.ready) end)
            agent:on_event('e', function() agent:publish('by', agent.state.ready .. ' event') end)
            agent:on_websocket('ask', function(payload, client) agent:publish('by', agent.state.ready .. ' client') end)
            agent:task('t', function() return agent.state.ready end)
            """)
        let message = test.deliver("in")
        let task = test.task("t")
        test.worker.inject(type: "e", data: ByteBuffer(string: "{}"))
        let isHandled = test.worker.websocketMessage(
            type: "ask", payload: ByteBuffer(string: "{}"), messageID: "m", from: TestClient())
        #expect(isHandled)
        test.advance(0.9)
        #expect(test.hub.published.isEmpty)
        #expect(!message.isAcknowledged && task.completions == 0)
        test.advance(0.1)
        #expect(
            test.hub.published.map(\.data).sorted()
                == [#""new client""#, #""new event""#, #""new event""#, #""new""#])
        #expect(message.acknowledgements == 1)
        #expect(task.json == #""new""#)
    }

    @Test(
        "an on_start that fails, or takes longer than 30 s, puts the version before and its state back",
        arguments: [
            ("agent.state.n = 99 error('no')", 0.0, "no"),
            ("agent.state.n = 99 agenthost.sleep(1) error('late')", 1.0, "late"),
            ("agent.state.n = 99 while true do agenthost.sleep(7) end", 30.0, "on_start timed out after 30 s"),
        ] as [(String, Double, String)])
    func rollback(body: String, seconds: Double, words: String) throws {
        let test = try TestWorker(
            """
            agent.state.n = 1
            agent:on_message('in', function() agent.state.n = agent.state.n + 1 agent:publish('n', agent.state.n) end)
            agent:every(0.1, function() agent.state.ticks = (agent.state.ticks or 0) + 1 end)
            agent:task('t', function() return agent.state.n end)
            """)
        try test.load("agent:on_start(function() \(body) end) agent:task('t', function() return 'new' end)")
        var failure: String?
        test.worker.beginSwap(agent: 0).assumeIsolated().whenFailure { failure = "\($0)" }
        let message = test.deliver("in")
        let task = test.task("t")
        test.loop.run()
        test.advance(seconds)
        #expect(failure?.contains(words) == true)
        #expect(test.hub.published.map(\.data) == ["2"])
        #expect(message.acknowledgements == 1)
        #expect(task.json == "2")
        // Its timers go on, and so do later reloads.
        test.advance(0.2)
        try test.activate("agent:task('t', function() return agent.state end)")
        #expect(test.task("t").json?.contains(#""ticks":"#) == true)
    }

    @Test("two on_start functions have 30 s together") func startTogether() throws {
        let test = try TestWorker("agent:task('t', function() return 'old' end)")
        try test.activate(
            "for _ = 1, 2 do agent:on_start(function() agenthost.sleep(20) end) end agent:task('t', function() return 'new' end)"
        )
        let task = test.task("t")
        test.advance(29)
        #expect(task.completions == 0)
        test.advance(1)
        #expect(task.json == #""old""#)
    }

    @Test("waits for events that a handler has emitted and that have not begun") func events() throws {
        let test = try TestWorker(
            """
            agent.state.n = 0
            agent:on_message('in', function() agenthost.sleep(0.2) agent:emit { event_type = 'e', data = {} } end)
            agent:on_event('e', function() agent.state.n = agent.state.n + 1 end)
            """)
        test.deliver("in")
        try test.activate(
            "agent:on_event('e', function() agent.state.n = agent.state.n + 10 end) agent:task('t', function() return agent.state.n end)"
        )
        test.advance(0.2)
        #expect(test.task("t").json == "10")
    }

    @Test("a loop in the background holds up no swap; a spawned function that is about to end does") func background()
        throws
    {
        let test = try TestWorker(
            """
            agent.state.n = 0
            agent:on_start(function() agenthost.spawn(function() while true do agenthost.sleep(0.3) end end) end)
            agent:task('later', function() agenthost.spawn(function() agenthost.sleep(0.5) agent.state.n = 7 end) end)
            """)
        test.advance(3)
        try test.activate("agent:task('n', function() return agent.state.n end)")
        #expect(test.task("n").json == "0")
        try test.activate(
            "agent.state.n = 0 agent:task('later', function() agenthost.spawn(function() agenthost.sleep(0.5) agent.state.n = 7 end) end)"
        )
        test.task("later")
        try test.activate("agent:task('n', function() return agent.state.n end)")
        let asked = test.task("n")
        test.advance(0.5)
        #expect(asked.json == "7")
    }

    @Test("timers begin after on_start, also those that it makes, and never for a version that did not serve")
    func timers() throws {
        let test = try TestWorker("agent:task('t', function() return 1 end)")
        #expect(throws: ScriptFailure.self) {
            try test.activate(
                "agent:on_start(function() agent:after(0.01, function() agent:publish('run', 'never') end) error('no') end)"
            )
        }
        try test.activate(
            """
            agent:after(0.1, function() agent:publish('run', 'declared') end)
            agent:on_start(function()
              agent:after(0.2, function() agent:publish('run', 'started') end)
              agenthost.sleep(1)
              agent:publish('run', 'ready')
            end)
            """)
        test.advance(1.3)
        #expect(test.hub.published.map(\.data) == [#""ready""#, #""declared""#, #""started""#])
    }

    @Test("on_stop of the version before runs when its handlers have ended, once") func onStop() throws {
        let old = """
            agent:on_stop(function() agent:publish('run', 'stopped') end)
            agent:on_message('in', function() agenthost.sleep(2) agent:publish('run', 'handled') end)
            agent:on_start(function() agenthost.spawn(function() while true do agenthost.sleep(1) end end) end)
            """
        let test = try TestWorker(old)
        test.deliver("in")
        try test.activate("agent:on_start(function() agent:publish('run', 'new') end)")
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#""new""#])
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#""new""#, #""handled""#, #""stopped""#])
        test.advance(40)
        #expect(test.hub.published.count == 3)
        #expect(test.worker.slots[0].draining.isEmpty)
    }

    @Test("a state that holds what is not plain is taken over without that, and one line says so") func notPlain()
        throws
    {
        let test = try TestWorker(
            """
            agent.state.kept = 1
            agent.state.object = setmetatable({ field = 2 }, { __index = { method = print } })
            agent.state.deep = { f = print, [print] = 1, co = coroutine.create(print) }
            """)
        try test.activate("agent:task('t', function() return agent.state end)")
        #expect(test.task("t").json == #"{"deep":{},"kept":1,"object":{"field":2}}"#)
        #expect(test.lines.count(containing: "agent.state.object has a metatable") == 1)
        #expect(test.lines.count(containing: "agent.state.deep.f is a function") == 1)
        try test.activate("agent:task('t', function() return agent.state.kept end)")
        #expect(test.task("t").json == "1")
        #expect(test.lines.count(containing: "holds what a reload cannot keep") == 1)
    }

    @Test("a stop gives a swap under way up: what waited is served by the version in service") func stopped() throws {
        let test = try TestWorker("agent:task('t', function() return 'old' end)")
        try test.activate("agent:on_start(function() agenthost.sleep(20) end)")
        let task = test.task("t")
        var isDrained = false
        test.worker.drain(deadline: test.loop.now + .seconds(10)).assumeIsolated().whenSuccess { _ in isDrained = true }
        test.loop.run()
        #expect(task.json == #""old""#)
        #expect(isDrained)
    }

    @Test("of one agent holds up no other") func severalAgents() throws {
        let test = try TestWorker([
            "agent:task('t', function() return 'a' end)", "agent:task('t', function() return 'b' end)",
        ])
        try test.activate("agent:on_start(function() agenthost.sleep(5) end)")
        let waiting = test.task("t")
        #expect(test.task("t", agent: 1).json == #""b""#)
        #expect(waiting.completions == 0)
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
