import LuaRuntime
import Testing

@Suite struct WaitTests {
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

    @Test("a wait inside pcall, xpcall, metamethods and iterators", arguments: [
        "return select(2, pcall(wait))",
        "return select(2, xpcall(wait, error))",
        "return setmetatable({}, { __index = function() return wait() end }).x",
        "return setmetatable({}, { __add = function() return wait() end }) + 1",
        "return setmetatable({}, { __call = function() return wait() end })()",
        "for x in function() return wait() end do return x end",
        "local t = setmetatable({}, { __close = function() wait() end }) do local x <close> = t end return 'result'",
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
        let script = try Script("""
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
        let script = try Script("""
            producer = coroutine.create(function()
                for i = 1, 3 do coroutine.yield(i .. wait()) end
                return 'end'
            end)
            """)
        var (coroutine, step) = try script.start("""
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
            "local co = coroutine.create(function() wait() end) local ok, m = coroutine.resume(co) return ok, m, coroutine.status(co)")
        #expect(step.isWaiting)
        step = coroutine.resume(failing: LuaFailure("refused"))
        #expect(try script.results(of: step, coroutine) == ["false", "test.lua:1: refused", "dead"])
    }

    @Test("a place that cannot wait says so, naming the function", arguments: [
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
            #expect(failure.message.contains("attempt to wait in a place that cannot wait (wait)"), "\(failure.message)")
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
        let script = try Script("""
            function closing(name) return setmetatable({}, { __close = function(_, e) note(name .. tostring(e)) end }) end
            """)
        let (coroutine, step) = try script.start("""
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

    @Test("what waits for the host cannot be resumed or closed by the script")
    func protectedWaiting() throws {
        let script = try Script()
        let (coroutine, step) = try script.start(
            "waiting = coroutine.create(function() wait() end) root = coroutine.running() coroutine.resume(waiting)")
        #expect(step.isWaiting)
        #expect(try script.run("return coroutine.resume(waiting)") == ["false", "cannot resume a coroutine that waits for the host"])
        #expect(try script.run("return pcall(coroutine.close, waiting)") == ["false", "cannot close a coroutine that waits for the host"])
        #expect(try script.run("return coroutine.resume(root)") == ["false", "cannot resume a coroutine of the host"])
        #expect(try script.run("return pcall(coroutine.close, root)") == ["false", "cannot close a coroutine of the host"])
        coroutine.recycle()
        #expect(try script.run("return coroutine.resume(root)").first == "false")
    }

    @Test("yielding outside a coroutine of the script is an error")
    func yielding() throws {
        let script = try Script()
        #expect(try script.failure("coroutine.yield(1)").message == "test.lua:1: attempt to yield from outside a coroutine")
        #expect(try script.run("return coroutine.isyieldable(), select(2, coroutine.running())") == ["false", "true"])
        #expect(
            try script.run("return coroutine.wrap(function() return coroutine.isyieldable(), select(2, coroutine.running()) end)()")
                == ["true", "false"])
    }

    @Test("the coroutine library behaves as Lua's")
    func library() throws {
        let script = try Script()
        #expect(
            try script.run("""
                local co = coroutine.create(function(a, b)
                    local c = coroutine.yield(a + b)
                    local d, e = coroutine.yield(c * 2)
                    return d + e
                end)
                local _, x = coroutine.resume(co, 1, 2)
                local _, y = coroutine.resume(co, 10)
                local _, z = coroutine.resume(co, 3, 4)
                return x, y, z, coroutine.status(co), coroutine.resume(co)
                """) == ["3", "20", "7", "dead", "false", "cannot resume dead coroutine"])
        #expect(
            try script.run("local f = coroutine.wrap(function() error('oops') end) return pcall(f)")
                == ["false", "test.lua:1: oops"])
        #expect(
            try script.run("local co = coroutine.create(error) return coroutine.resume(co, 'm')") == ["false", "m"])
        #expect(
            try script.run("""
                local co = coroutine.create(function() coroutine.yield() end)
                coroutine.resume(co)
                return coroutine.close(co), coroutine.status(co), coroutine.close(co)
                """) == ["true", "dead", "true"])
        #expect(
            try script.run("""
                local co = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() error('closing', 0) end })
                    coroutine.yield()
                end)
                coroutine.resume(co)
                return coroutine.close(co)
                """) == ["false", "closing"])
        #expect(try script.run("local co co = coroutine.wrap(function() return pcall(co) end) return co()")
            == ["false", "cannot resume non-suspended coroutine"])
    }

    @Test("running says which root coroutine runs, also from a nested call")
    func running() throws {
        final class Invocation {}
        let script = try Script()
        var seen: [AnyObject?] = []
        script.define("look") { call in
            seen.append(call.state.running?.context)
            return .results(0)
        }
        let invocation = Invocation()
        let coroutine = script.state.coroutine()
        coroutine.context = invocation
        coroutine.stack.push(try script.compile("look() call(function() look() end)"))
        _ = coroutine.start(arguments: 0)
        #expect(seen.count == 2 && seen.allSatisfy { $0 === invocation })
        #expect(script.state.running == nil)
        coroutine.recycle()
        #expect(coroutine.context == nil)
    }

    @Test("a host function may start another coroutine")
    func nestedStart() throws {
        let script = try Script()
        script.define("spawn") { [unowned script] call in
            let coroutine = script.state.coroutine()
            call.stack.pushValue(at: 1)
            call.stack.moveTop(1, to: coroutine.stack)
            let step = coroutine.start(arguments: 0)
            call.stack.push(step.isWaiting)
            coroutine.recycle()
            return .results(1)
        }
        #expect(try script.run("return spawn(function() wait() end), spawn(function() end)") == ["true", "false"])
        #expect(try script.run("return spawn(function() spawn(error) end)") == ["false"])
    }

    @Test("a state outlives its owner while a coroutine waits in it")
    func lifetime() throws {
        var script: Script? = try Script()
        let (coroutine, _) = try script!.start("wait()")
        script = nil
        coroutine.recycle()
        let closed = try LuaState()
        let left = closed.coroutine()
        closed.close()
        left.recycle()
        #expect(closed.memoryInUse == 0)
    }
}
