import LuaRuntime
import Testing

@Suite struct CoroutineTests {
    @Test("what waits for the host cannot be resumed or closed by the script")
    func protectedWaiting() throws {
        let script = try Script()
        let (coroutine, step) = try script.start(
            "waiting = coroutine.create(function() wait() end) root = coroutine.running() coroutine.resume(waiting)")
        #expect(step.isWaiting)
        #expect(
            try script.run("return coroutine.resume(waiting)") == [
                "false", "cannot resume a coroutine that waits for the host",
            ])
        #expect(
            try script.run("return pcall(coroutine.close, waiting)") == [
                "false", "cannot close a coroutine that waits for the host",
            ])
        #expect(try script.run("return coroutine.resume(root)") == ["false", "cannot resume a coroutine of the host"])
        #expect(
            try script.run("return pcall(coroutine.close, root)") == ["false", "cannot close a coroutine of the host"])
        coroutine.recycle()
        #expect(try script.run("return coroutine.resume(root)").first == "false")
    }

    @Test("yielding outside a coroutine of the script is an error")
    func yielding() throws {
        let script = try Script()
        #expect(
            try script.failure("coroutine.yield(1)").message == "test.lua:1: attempt to yield from outside a coroutine")
        #expect(try script.run("return coroutine.isyieldable(), select(2, coroutine.running())") == ["false", "true"])
        #expect(
            try script.run(
                "return coroutine.wrap(function() return coroutine.isyieldable(), select(2, coroutine.running()) end)()"
            )
                == ["true", "false"])
    }

    @Test("the coroutine library behaves as Lua's")
    func library() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
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
            try script.run(
                """
                local co = coroutine.create(function() coroutine.yield() end)
                coroutine.resume(co)
                return coroutine.close(co), coroutine.status(co), coroutine.close(co)
                """) == ["true", "dead", "true"])
        #expect(
            try script.run(
                """
                local co = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() error('closing', 0) end })
                    coroutine.yield()
                end)
                coroutine.resume(co)
                return coroutine.close(co)
                """) == ["false", "closing"])
        #expect(
            try script.run("local co co = coroutine.wrap(function() return pcall(co) end) return co()")
                == ["false", "cannot resume non-suspended coroutine"])
    }

    @Test("a coroutine suspended inside xpcall is closed without its message handler, however deep it was")
    func closingInsideProtectedCalls() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
                local last
                for round = 1, 200 do
                    local co = coroutine.create(function()
                        local x <close> = setmetatable({}, { __close = function()
                            local garbage = {}
                            for i = 1, 200 do garbage[i] = { i } end
                            error('closing ' .. #garbage, 0)
                        end })
                        local function deep(n)
                            if n > 0 then return 1 + deep(n - 1) end
                            return xpcall(coroutine.yield, function(message) return 'handled ' .. message end)
                        end
                        return deep(150)
                    end)
                    coroutine.resume(co)
                    local garbage = {}
                    for i = 1, 300 do garbage[i] = {} end
                    local ok, message = coroutine.close(co)
                    assert(ok == false)
                    last = message
                end
                return last
                """) == ["closing 200"])
    }

    @Test("giving up a handler that waits inside xpcall closes its variables")
    func abandoningInsideProtectedCalls() throws {
        let script = try Script()
        for _ in 0..<50 {
            let (coroutine, step) = try script.start(
                """
                local x <close> = setmetatable({}, { __close = function()
                    note('closed')
                    local garbage = {}
                    for i = 1, 200 do garbage[i] = { i } end
                    error('closing')
                end })
                local function deep(n)
                    if n > 0 then return 1 + deep(n - 1) end
                    return xpcall(wait, function(message) note('handled') return message end)
                end
                coroutine.wrap(function()
                    local y <close> = setmetatable({}, { __close = function() error('inner') end })
                    xpcall(deep, function() note('handled') end, 100)
                end)()
                """)
            #expect(step.isWaiting)
            coroutine.recycle()
        }
        #expect(script.notes == [String](repeating: "closed", count: 50))
        #expect(try script.run("return 1") == ["1"])
    }

    @Test("a message handler still sees where the error was, across waits and yields")
    func handlersAcrossWaits() throws {
        let script = try Script()
        var (coroutine, step) = try script.start(
            """
            local co = coroutine.wrap(function()
                return xpcall(function()
                    coroutine.yield('first')
                    wait()
                    error('late')
                end, function(message) return 'handled ' .. message end)
            end)
            local first = co()
            return first, co()
            """)
        #expect(step.isWaiting)
        step = coroutine.resume(results: 0)
        #expect(try script.results(of: step, coroutine) == ["first", "false", "handled test.lua:5: late"])
        coroutine.recycle()
    }

    @Test("running says which root coroutine runs, also from a nested call")
    func running() throws {
        final class Invocation {}
        let script = try Script()
        var seen: [AnyObject?] = []
        script.define("look") { [unowned script] call in
            seen.append(script.state.running?.context)
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
            _ = call.stack.moveTop(1, to: coroutine.stack)
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
