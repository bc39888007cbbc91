import AgentModel
import AgentScript
import Logging
import LuaRuntime
import NIOCore
import NIOEmbedded
import NIOPosix
import TestSupport
import Testing

@testable import AgentWorker

@Suite("What an agent may have at one time") struct LimitTests {
    @Test("spawn raises beyond MAX_INVOCATIONS") func spawn() throws {
        let test = try TestWorker(
            """
            agent:task('bomb', function()
              for i = 1, 1000000 do agenthost.spawn(function() agenthost.sleep(1000) end) end
            end)
            agent:task('ok', function() return 'ok' end)
            agent:task('few', function() agenthost.spawn(function() end) return 'few' end)
            """, settings: { $0.maxInvocations = 200 })
        let bomb = test.task("bomb")
        test.loop.run()
        #expect(
            bomb.error
                == "agent0.lua:2: an agent has at most 200 functions under way (MAX_INVOCATIONS), and this one has them"
        )
        #expect(test.worker.slots[0].live?.underWay == 199)
        #expect(test.task("ok").json == #""ok""#)
        test.advance(1000)
        #expect(test.worker.slots[0].live?.underWay == 0)
        #expect(test.task("few").json == #""few""#)
        test.loop.run()
        #expect(test.worker.slots[0].live?.underWay == 0)
    }

    @Test("functions that spawn functions come to the limit, and not beyond") func bomb() throws {
        let test = try TestWorker(
            """
            -- One that is refused ends, and leaves its place to the next: so this would go on for ever.
            local forks = 0
            local function fork()
              forks = forks + 1
              if forks > 5000 then return end
              agenthost.spawn(fork) agenthost.spawn(fork) agenthost.sleep(1)
            end
            agent:task('bomb', function() agenthost.spawn(fork) end)
            """, settings: { $0.maxInvocations = 500 })
        test.task("bomb")
        test.loop.run()
        #expect(test.worker.slots[0].live?.underWay ?? 0 <= 500)
        test.advance(3)
        #expect(test.worker.slots[0].live?.underWay ?? 0 <= 500)
    }

    @Test("emit raises when the functions under way leave no room for its handlers") func emit() throws {
        let test = try TestWorker(
            """
            agent:on_event('slow', function() agenthost.sleep(1000) end)
            agent:task('emit', function(task)
              for i = 1, 1000000 do agent:emit { event_type = task.query } end
            end)
            agent:task('other', function() return agent:emit { event_type = 'without a handler' } end)
            """, settings: { $0.maxInvocations = 100 })
        let outcome = test.task("emit", query: "slow")
        test.loop.run()
        #expect(outcome.error?.contains("at most 100 functions under way (MAX_INVOCATIONS)") == true)
        #expect(test.task("other").json == "true", "an event without a handler is only sent")
    }

    @Test("timers beyond MAX_TIMERS are refused") func timers() throws {
        let test = try TestWorker(
            """
            local count = 0
            agent:task('set', function()
              for i = 1, 1000000 do agent:after(1000, function() count = count + 1 end) end
            end)
            agent:task('count', function() return count end)
            """, settings: { $0.maxTimers = 50 })
        let outcome = test.task("set")
        #expect(outcome.error == "agent0.lua:3: an agent has at most 50 timers (MAX_TIMERS), and this one has them")
        test.advance(1000)
        #expect(test.task("count").json == "50")
        #expect(test.task("set").error?.contains("at most 50 timers") == true, "those that have fired are gone")
        let error = #expect(throws: ScriptFailure.self) {
            try test.load("for i = 1, 51 do agent:every(1, function() end) end")
        }
        #expect(error?.message == "agent0.lua:1: an agent has at most 50 timers (MAX_TIMERS), and this one has them")
    }

    @Test("requests beyond MAX_PENDING_REQUESTS fail") func requests() throws {
        let test = try TestWorker(
            """
            agent:task('ask', function()
              local reason
              for i = 1, 3 do
                agenthost.spawn(function()
                  local answer, message = agenthost.http.get('http://127.0.0.1:1/')
                  if not answer then agent:publish('failed', message) end
                end)
              end
            end)
            """, settings: { $0.maxPendingRequests = 2 })
        test.task("ask")
        test.loop.run()
        #expect(
            test.hub.published.map(\.data) == [
                "\"an agent has at most 2 HTTP requests under way (MAX_PENDING_REQUESTS), and this one has them\""
            ])
        #expect(test.worker.slots[0].live?.pendingRequests == 2)
    }

    @Test("an agent registers at most 10,000 handlers") func handlers() throws {
        let test = try TestWorker("agent:task('t', function() end)")
        let error = #expect(throws: ScriptFailure.self) {
            try test.load("for i = 1, 1000000 do agent:on_event('e', function() end) end")
        }
        #expect(
            error?.message
                == "agent0.lua:1: an agent registers at most 10000 handlers, and this one has registered them")
    }

    @Test("what nobody hears is not made, but checked") func unheard() throws {
        let test = try TestWorker(
            """
            agent:task('publish', function() return agent:publish('t', { text = ('x'):rep(1000000) }) end)
            agent:task('emit', function() return agent:emit { event_type = 'e', data = { n = 1 } } end)
            agent:task('broadcast', function() return agent:broadcast('m', { n = 1 }) end)
            agent:task('wrong', function() return agent:publish('t', { f = print }) end)
            agent:task('wrong event', function() return agent:emit { event_type = 'e', data = { f = print } } end)
            """)
        test.hub.isHeard = false
        #expect(test.task("publish").json == "0" && test.task("broadcast").json == "0")
        #expect(test.task("emit").json == "true")
        #expect(test.task("wrong").error == "agent0.lua:4: payload.f is a function, which JSON cannot hold")
        #expect(test.task("wrong event").error == "agent0.lua:5: data.f is a function, which JSON cannot hold")
        #expect(test.hub.published.isEmpty && test.hub.events.isEmpty)
    }

    @Test("a handler in the agent hears what no client does") func heard() throws {
        let test = try TestWorker(
            """
            local heard
            agent:on_event('e', function(event) heard = event.data.n end)
            agent:task('emit', function() agent:emit { event_type = 'e', data = { n = 7 } } end)
            agent:task('heard', function() return heard end)
            """)
        test.hub.isHeard = false
        test.task("emit")
        #expect(test.task("heard").json == "7")
    }

    /// On a loop of NIO's own, which looks at its sockets only when nothing is ready to run.
    @Test(
        "the loop looks at its sockets while scripts keep themselves busy",
        arguments: [
            "while true do agenthost.sleep(0) end",
            "local function again() agenthost.spawn(again) end again()",
            "local function again() agent:after(0, again) end again()",
            "while true do agent:flush() for _ = 1, 1e6 do end end",
            "local h h = agenthost.spawn(function() while true do pcall(h.wait, h) for _ = 1, 1e6 do end end end) h:wait()",
        ])
    func sockets(body: String) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let folder = try ScriptFolder([
            "agent.lua": """
            local agent = agenthost.agent { name = "busy" }
            agent:task('busy', function() \(body) end)
            """
        ])
        let outbound = TestOutbound()
        let path = folder.path(of: "agent.lua")
        let worker = Worker(
            loop: loop, index: 0, counters: [AgentCounters()], limits: LuaLimits(), outbound: outbound,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await loop.flatSubmit {
            worker.loadDirectly(
                ScriptSnapshot(path: path), agent: 0, number: 1, settings: { AgentSettings(serviceName: $0.name) }
            ).flatMap { _ in worker.beginSwap(agent: 0) }
        }.get()
        try await loop.submit {
            worker.commitSwap(agent: 0, swapped: {})
            worker.beginServing()
            worker.perform(
                TaskRequest(agent: 0, taskType: "busy", input: .body(ByteBuffer(string: "{\"query\":\"\"}")))
            ) { _ in }
        }.get()
        // A connection to a socket of the same loop needs the loop to look at it several times.
        let server = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group).connect(to: server.localAddress.unwrapped()).get()
        try await client.close().get()
        try await server.close().get()
        try await loop.submit { worker.close() }.get()
        try await group.shutdownGracefully()
    }
}

extension Optional {
    fileprivate func unwrapped() throws -> Wrapped { try #require(self) }
}
