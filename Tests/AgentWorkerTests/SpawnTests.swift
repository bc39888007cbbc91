import AgentModel
import AgentScript
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("Functions beside a handler") struct SpawnTests {
    // MARK: handle:wait

    @Test("waiting gives everything that the function returned, however often it is waited for") func results() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local quick = agenthost.spawn(function(a, b) return a + b, nil, 'x' end, 1, 2)
              local slow = agenthost.spawn(function() agenthost.sleep(1) return { n = 1 } end)
              local a, b, c = quick:wait()
              local again = select('#', quick:wait())
              return { a, b == nil, c, again, slow:wait().n, slow:wait() == slow:wait(), select('#', agenthost.spawn(function() end):wait()) }
            end)
            """)
        let outcome = test.task("t")
        #expect(outcome.json == nil)
        test.advance(1)
        #expect(outcome.json == #"[3,true,"x",3,1,true,0]"#)
        #expect(test.worker.slots[0].live?.generation.script.spawned.isEmpty == true)
    }

    @Test("thousands of results come whole, also to a coroutine of the script that waits for them") func manyResults()
        throws
    {
        let test = try TestWorker(
            """
            local function many(seconds) agenthost.sleep(seconds) local t = {} for i = 1, 5000 do t[i] = i end return table.unpack(t) end
            agent:task('t', function()
              local quick, slow = agenthost.spawn(many, 0), agenthost.spawn(many, 1)
              agenthost.sleep(0.5)
              local inner = coroutine.wrap(function() return select('#', slow:wait()), select(5000, slow:wait()) end)
              return { select('#', quick:wait()), inner() }
            end)
            """)
        let outcome = test.task("t")
        test.advance(0.5)
        test.advance(0.5)
        #expect(outcome.json == "[5000,5000,5000]", "\(outcome.error ?? "")")
    }

    @Test("several may wait for one function") func severalWaiters() throws {
        let test = try TestWorker(
            """
            local slow
            agent:task('begin', function() slow = agenthost.spawn(function() agenthost.sleep(1) return 'done' end) end)
            agent:task('wait', function() return slow:wait() end)
            """)
        test.task("begin")
        let waiting = (0..<3).map { _ in test.task("wait") }
        test.advance(1)
        #expect(waiting.allSatisfy { $0.json == #""done""# })
        #expect(test.task("wait").json == #""done""#)
    }

    @Test("a function that fails is nil and its message, and is not logged when somebody waits for it") func failure()
        throws
    {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local a = agenthost.spawn(function() agenthost.sleep(1) error { code = 7 } end)
              local b = agenthost.spawn(function() error 'at once' end)
              local ok, message = a:wait()
              local _, other = b:wait()
              return { ok == nil, message, other }
            end)
            """)
        let outcome = test.task("t")
        test.advance(1)
        #expect(outcome.json == #"[true,"agent0.lua:2: {\"code\":7}","agent0.lua:3: at once"]"#)
        #expect(test.errors == 0)
        #expect(test.lines.count(containing: "at once") == 0)
    }

    @Test("a failure that nobody waits for is logged: when the handler ends, at the latest a second later")
    func unclaimed() throws {
        let test = try TestWorker(
            """
            agent:task('ends', function() agenthost.spawn(function() error 'first' end) agenthost.sleep(0.5) end)
            agent:task('goes on', function() agenthost.spawn(function() error 'second' end) agenthost.sleep(60) end)
            agent:task('is over', function() agenthost.spawn(function() agenthost.sleep(1) error 'third' end) end)
            """)
        test.task("ends")
        test.task("goes on")
        test.task("is over")
        #expect(test.lines.count(containing: "first") == 0)
        test.advance(0.5)
        #expect(test.lines.count(containing: "first") == 1)
        #expect(test.lines.count(containing: "second") == 0)
        test.advance(0.5)
        #expect(test.lines.count(containing: "second") == 1)
        #expect(test.lines.count(containing: "third") == 1)
        test.advance(60)
        #expect(test.errors == 3)
        #expect(test.lines.count(containing: "second") == 1)
        #expect(test.worker.slots[0].live?.generation.script.spawned.isEmpty == true)
    }

    @Test("a message whose handler waits for a failed function and goes on is not tried again") func handled() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              local failed = agenthost.spawn(function() error 'no' end)
              agenthost.sleep(5)
              local ok, message = failed:wait()
              agent:send_kafka('out', message)
            end)
            agent:on_message('other', function() agenthost.spawn(function() error 'no' end) agenthost.sleep(5) end, { attempts = 1 })
            """)
        test.kafka.acknowledges = true
        let message = test.deliver("in")
        test.advance(5)
        #expect(message.isAcknowledged && test.deadLetters == 0)
        #expect(test.kafka.texts("out") == ["agent0.lua:2: no"])
        test.deliver("other")
        test.advance(5)
        #expect(test.deadLetters == 1)
    }

    @Test("waiting for oneself, also over others, is an error") func itself() throws {
        let test = try TestWorker(
            """
            agent.state.seen = {}
            local function note(...) table.insert(agent.state.seen, select(2, pcall(...))) end
            agent:task('t', function()
              local a, b
              a = agenthost.spawn(function() agenthost.sleep(1) note(b.wait, b) end)
              b = agenthost.spawn(function() agenthost.sleep(2) note(a.wait, a) end)
              local c c = agenthost.spawn(function() agenthost.sleep(1) note(c.wait, c) end)
              local d d = agenthost.spawn(function() agenthost.gather { function() agenthost.sleep(1) note(d.wait, d) end } end)
            end)
            agent:task('seen', function() return agent.state.seen end)
            """)
        test.task("t")
        test.advance(3)
        let seen = try #require(test.task("seen").json)
        #expect(seen.components(separatedBy: "would wait for itself").count == 4, "\(seen)")
        #expect(test.worker.slots[0].live?.underWay == 0)
    }

    @Test("one who waits and dies harms nobody") func waiterDies() throws {
        let test = try TestWorker(
            """
            local slow
            agent:task('begin', function() slow = agenthost.spawn(function() agenthost.sleep(400) return 'done' end) end)
            agent:task('wait', function() return slow:wait() end)
            """)
        test.task("begin")
        let dies = test.task("wait")
        test.advance(300)
        #expect(dies.error?.contains("timed out") == true)
        let lives = test.task("wait")
        test.advance(100)
        #expect(lives.json == #""done""#)
    }

    @Test("misuse of a handle names it") func misuse() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local handle = agenthost.spawn(function() end)
              return { select(2, pcall(handle.wait)), select(2, pcall(handle.wait, {})), select(2, pcall(function() return handle.join end)) }
            end)
            """)
        let json = try #require(test.task("t").json)
        #expect(json.contains("handle:wait()") && json.contains("a handle of agenthost.spawn has no 'join'"), "\(json)")
    }

    @Test("what a script puts into a table of its own is no handle that harms") func forged() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local wait = agenthost.spawn(function() end).wait
              local function forged(fields) return select('#', wait(setmetatable({}, fields))) end
              return { forged { spawned = 999, n = 3 }, forged { spawned = 999, n = -5 }, forged { spawned = -1 << 63 },
                (pcall(forged, { spawned = 999, n = math.maxinteger })) }
            end)
            """)
        #expect(test.task("t").json?.hasPrefix("[3,0,0,") == true)
    }

    @Test("a version that is replaced takes its handles with it") func reload() throws {
        let test = try TestWorker(
            """
            agent:task('t', function() return agenthost.spawn(function() agenthost.sleep(1000) end):wait() end)
            """)
        let outcome = test.task("t")
        try test.activate("agent:task('t', function() return 2 end)")
        test.advance(40)
        #expect(outcome.completions == 1 && outcome.error?.contains("closed") == true)
        #expect(test.task("t").json == "2")
    }

    // MARK: gather

    @Test("gather runs functions beside one another and returns their first results in order") func gather() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local began = {}
              local results = agenthost.gather {
                function() began[1] = true agenthost.sleep(3) return 'a', 'more' end,
                function() began[2] = true agenthost.sleep(1) return 'b' end,
                function() return #began end,
              }
              return results
            end)
            agent:task('none', function() return agenthost.gather {} end)
            """)
        let outcome = test.task("t")
        test.advance(2)
        #expect(outcome.completions == 0)
        test.advance(1)
        #expect(outcome.json == #"["a","b",2]"#)
        #expect(test.task("none").json == "[]")
        #expect(test.worker.slots[0].live?.underWay == 0)
    }

    @Test("the first failure is gather's, at once, and ends the others where they wait") func gatherFails() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local ended = 0
              local results, message = agenthost.gather {
                function()
                  local closes <close> = setmetatable({}, { __close = function() ended = ended + 1 end })
                  agenthost.sleep(10) ended = 100
                end,
                function() agenthost.sleep(1) error 'broken' end,
                function() agenthost.sleep(2) error 'later' end,
              }
              return { results == nil, message, ended }
            end)
            agent:task('assert', function() assert(agenthost.gather { function() error { code = 1 } end }) end)
            """)
        let outcome = test.task("t")
        test.advance(1)
        #expect(outcome.json == #"[true,"agent0.lua:8: broken",1]"#)
        test.advance(20)
        #expect(test.errors == 0)
        #expect(test.worker.slots[0].live?.underWay == 0)
        #expect(test.task("assert").error?.hasSuffix(#"{"code":1}"#) == true)
        #expect(test.errors == 1)
    }

    @Test("functions that have not begun when another fails do not begin") func gatherNotBegun() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local began = 0
              local functions = { function() error 'at once' end }
              for i = 2, 100 do functions[i] = function() began = began + 1 agenthost.sleep(1) end end
              local _, message = agenthost.gather(functions)
              return { message, began < 100 }
            end)
            """)
        #expect(test.task("t").json == #"["agent0.lua:3: at once",true]"#)
        test.advance(5)
        #expect(test.worker.slots[0].live?.underWay == 0)
    }

    @Test("a message waits for what gathered functions send") func gatherSettles() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              agenthost.gather { function() agenthost.sleep(1) agent:send_kafka('out', 'a') end, function() agent:send_kafka('out', 'b') end }
            end)
            """)
        let message = test.deliver("in")
        test.advance(1)
        #expect(test.kafka.texts("out") == ["b", "a"])
        #expect(!message.isAcknowledged)
        test.kafka.settleFirst()
        #expect(!message.isAcknowledged)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("a caller that times out takes what it gathers with it") func callerDies() throws {
        let test = try TestWorker(
            """
            agent:task('t', function() agenthost.gather { function() agenthost.sleep(1000) agent:send_kafka('out', 'late') end } end)
            """)
        let outcome = test.task("t")
        test.advance(300)
        #expect(outcome.error?.contains("timed out") == true)
        #expect(test.worker.slots[0].live?.underWay == 0)
        test.advance(1000)
        #expect(test.kafka.texts("out") == [])
    }

    @Test("gather within gather, and a reload in the middle") func nested() throws {
        let test = try TestWorker(
            """
            local function nest(n) if n == 0 then agenthost.sleep(1) return 1 end
              local r = assert(agenthost.gather { function() return nest(n - 1) end, function() return nest(n - 1) end })
              return r[1] + r[2] end
            agent:task('t', function() return nest(5) end)
            agent:task('long', function() return agenthost.gather { function() agenthost.sleep(1000) end } end)
            """)
        let outcome = test.task("t")
        test.advance(1)
        #expect(outcome.json == "32")
        let long = test.task("long")
        try test.activate("agent:task('t', function() return 2 end)")
        test.advance(40)
        #expect(long.completions == 1)
    }

    @Test(
        "misuse of gather names what was meant",
        arguments: [
            ("agenthost.gather(1)", "bad argument 'functions' to 'gather' (table expected, got number)"),
            ("agenthost.gather { 1 }", "functions expected, got number at [1]"),
            ("agenthost.gather { a = print }", "a list of functions expected, it has other keys or holes"),
            ("table.sort({ 1, 2 }, function() agenthost.gather { print } end)", "cannot wait (gather)"),
        ]) func gatherMisuse(call: String, message: String) throws
    {
        let test = try TestWorker("agent:task('t', function() \(call) end)")
        let error = test.task("t").error ?? ""
        #expect(error.contains(message), "\(error)")
    }

    @Test("gather keeps to the limit of functions under way") func limit() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              local functions = {} for i = 1, 20 do functions[i] = function() end end
              return agenthost.gather(functions)
            end)
            """, settings: { $0.maxInvocations = 20 })
        #expect(test.task("t").error?.contains("MAX_INVOCATIONS") == true)
    }

    // MARK: Files

    @Test("a handler reads a file while others go on, and is answered on a later turn") func file() throws {
        let test = try TestWorker(
            "agent:task('t', function() return { agenthost.file.read('agent0.lua'):sub(1, 11), select(2, agenthost.file.read('none')) } end)"
        )
        let outcome = test.task("t")
        #expect(outcome.completions == 0)
        test.loop.run()
        #expect(outcome.json == #"["local agent","none: no such file beside the script"]"#)
    }
}
