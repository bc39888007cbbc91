import LuaRuntime
import Testing

@Suite struct WaitTests {
    @Test("a coroutine that does not wait is not resumed, and what was pushed for it is gone")
    func notWaiting() throws {
        let script = try Script()
        script.define("meddle") { [unowned script] call in
            // As a completion that comes inside the call which is to wait for it.
            guard let running = script.state.running else { return .results(0) }
            running.stack.push(1)
            call.stack.push("\(running.resume(results: 1))")
            running.recycle()
            return .results(1)
        }
        let fresh = script.state.coroutine()
        fresh.stack.push(1)
        fresh.stack.push(2)
        guard case .notWaiting = fresh.resume(results: 1) else {
            Issue.record("resumed before its start")
            return
        }
        guard case .notWaiting = fresh.resume(failing: LuaFailure("no")) else {
            Issue.record("failed before its start")
            return
        }
        #expect(fresh.stack.top == 1)
        fresh.recycle()
        let (coroutine, step) = try script.start("return meddle()")
        // Recycled by what it ran: its results are gone with it.
        guard case .returned = step else {
            Issue.record("\(step)")
            return
        }
        #expect(!coroutine.isWaiting)
        #expect(try script.run("return 'the state is well'") == ["the state is well"])
    }

    @Test("a host function waits and its results arrive where it was called")
    func wait() throws {
        let script = try Script()
        var (coroutine, step) = try script.start("local a, b = wait('for this') return a .. b, wait()")
        #expect(step.isWaiting)
        coroutine.stack.push("x")
        coroutine.stack.push("y")
        step = coroutine.resume(results: 2)
        #expect(step.isWaiting)
        coroutine.stack.push(7)
        step = coroutine.resume(results: 1)
        #expect(try script.results(of: step, coroutine) == ["xy", "7"])
        coroutine.recycle()
    }

    @Test("a wait that fails raises where the script waits")
    func failing() throws {
        let script = try Script()
        var (coroutine, step) = try script.start("return pcall(function()\nwait() end)")
        step = coroutine.resume(failing: LuaFailure("connection refused"))
        #expect(try script.results(of: step, coroutine) == ["false", "test.lua:2: connection refused"])
        coroutine.recycle()
        (coroutine, step) = try script.start("\n\nwait()")
        step = coroutine.resume(failing: LuaFailure("cancelled", position: false))
        #expect(throws: LuaError.self) { try script.results(of: step, coroutine) }
        if case .failed(let error) = step {
            #expect(error.message == "cancelled")
            #expect(error.traceback?.contains("test.lua:3: in main chunk") == true)
        }
    }

    @Test(
        "a wait inside pcall, xpcall, metamethods and iterators",
        arguments: [
            "return select(2, pcall(wait))",
            "return select(2, xpcall(wait, error))",
            "return setmetatable({}, { __index = function() return wait() end }).x",
            "return setmetatable({}, { __add = function() return wait() end }) + 1",
            "return setmetatable({}, { __call = function() return wait() end })()",
            "for x in function() return wait() end do return x end",
            "do local x <close> = setmetatable({}, { __close = function() wait() end }) end return 'result'",
        ])
    func places(source: String) throws {
        let script = try Script()
        var (coroutine, step) = try script.start(source)
        #expect(step.isWaiting)
        coroutine.stack.push("result")
        step = coroutine.resume(results: 1)
        #expect(try script.results(of: step, coroutine) == ["result"])
    }

    @Test("a wait goes through the script's own coroutines, however deep")
    func nested() throws {
        let script = try Script(
            """
            function nest(n)
                if n == 0 then return wait(), wait() end
                return coroutine.wrap(function() return nest(n - 1) end)()
            end
            """)
        for depth in [1, 2, 5, 50] {
            var (coroutine, step) = try script.start("return nest(\(depth))")
            #expect(step.isWaiting)
            coroutine.stack.push("a")
            coroutine.stack.push("b")
            step = coroutine.resume(results: 2)
            #expect(step.isWaiting)
            coroutine.stack.push("c")
            step = coroutine.resume(results: 1)
            #expect(try script.results(of: step, coroutine) == ["a", "c"])
            coroutine.recycle()
        }
    }

    @Test("a coroutine that waits also yields to the script")
    func mixed() throws {
        let script = try Script(
            """
            producer = coroutine.create(function()
                for i = 1, 3 do coroutine.yield(i .. wait()) end
                return 'end'
            end)
            """)
        var (coroutine, step) = try script.start(
            """
            local all = {}
            while coroutine.status(producer) ~= 'dead' do
                local ok, value = coroutine.resume(producer)
                all[#all + 1] = value
            end
            return table.concat(all, ' ')
            """)
        for answer in ["a", "b", "c"] {
            #expect(step.isWaiting)
            coroutine.stack.push(answer)
            step = coroutine.resume(results: 1)
        }
        #expect(try script.results(of: step, coroutine) == ["1a 2b 3c end"])
    }

    @Test("a failed wait in an inner coroutine is that coroutine's error")
    func innerFailure() throws {
        let script = try Script()
        var (coroutine, step) = try script.start(
            "co = coroutine.create(function() wait() end) ok, m = coroutine.resume(co) return ok, m, coroutine.status(co)"
        )
        #expect(step.isWaiting)
        step = coroutine.resume(failing: LuaFailure("refused"))
        #expect(try script.results(of: step, coroutine) == ["false", "test.lua:1: refused", "dead"])
    }

    @Test(
        "a place that cannot wait says so, naming the function",
        arguments: [
            "table.sort({ 1, 2, 3 }, function() return wait() end)",
            "('x'):gsub('x', function() return wait() end)",
            "table.sort({ 1, 2, 3 }, function() return coroutine.wrap(function() return wait() end)() end)",
            "table.sort({ 1, 2, 3 }, coroutine.wrap(function() while true do wait() end end))",
            "call(function() wait() end)",
            "tostring(setmetatable({}, { __tostring = function() return wait() end }))",
            "load(function() return wait() end)()",
        ])
    func cannot(source: String) throws {
        let script = try Script()
        let failure = try script.failure("local ok, m = pcall(function() \(source) end) error(tostring(m), 0)")
        if source.hasPrefix("load") {
            #expect(failure.message.contains("attempt to call a nil value"))
        } else {
            #expect(
                failure.message.contains("attempt to wait in a place that cannot wait (wait)"), "\(failure.message)")
        }
    }

    @Test("a script that loads cannot wait")
    func loading() throws {
        let error = try #require(throws: LuaError.self) { _ = try Script("\nwait()") }
        #expect(error.message == "test.lua:2: attempt to wait in a place that cannot wait (wait)")
        let script = try Script()
        let coroutine = script.state.coroutine()
        coroutine.stack.push(try script.compile("wait()"))
        #expect(throws: LuaError.self) {
            try script.results(of: coroutine.start(arguments: 0, mayWait: false), coroutine)
        }
    }

    @Test("a host function learns beforehand that it cannot wait")
    func requireWait() throws {
        let script = try Script()
        var begun = 0
        script.define("begin") { call throws(LuaFailure) in
            try call.requireWait()
            begun += 1
            return .wait
        }
        #expect(try script.failure("table.sort({ 1, 2 }, begin)").message.contains("cannot wait (begin)"))
        #expect(begun == 0)
        let (coroutine, step) = try script.start("begin()")
        #expect(step.isWaiting && begun == 1)
        coroutine.recycle()
    }

    @Test("a coroutine that is abandoned runs its to-be-closed variables, innermost first")
    func abandon() throws {
        let script = try Script(
            """
            function closing(name) return setmetatable({}, { __close = function(_, e) note(name .. tostring(e)) end }) end
            """)
        let (coroutine, step) = try script.start(
            """
            local a <close> = closing('outer ')
            coroutine.wrap(function() local b <close> = closing('inner ') wait() end)()
            """)
        #expect(step.isWaiting)
        coroutine.recycle()
        #expect(script.notes == ["inner nil", "outer nil"])
        #expect(try script.run("return 'next'") == ["next"])
    }

    @Test("abandoning is under a budget and survives errors")
    func abandonBudget() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(30)))
        for body in ["while true do end", "error 'x'", "wait()", "pcall(function() while true do end end)"] {
            let (coroutine, step) = try script.start(
                "local a <close> = setmetatable({}, { __close = function() \(body) end }) wait()")
            #expect(step.isWaiting)
            coroutine.recycle()
        }
        #expect(try script.run("return 'next'") == ["next"])
        #expect(try script.failure("while true do end").kind == .budget)
    }
}
