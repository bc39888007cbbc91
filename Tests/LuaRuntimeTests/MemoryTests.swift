import LuaRuntime
import Testing

@Suite struct MemoryTests {
    static let bombs: [String: String] = [
        "a table of a hundred million": "local t = {} for i = 1, 1e8 do t[i] = i end",
        "a list": "local t = {} while true do t = { t } end",
        "rep": "return ('x'):rep(1 << 33)",
        "rep past any memory": "return ('x'):rep(1 << 60)",
        "rep of rep": "local s = 'xxxxxxxx' while true do s = s:rep(8) end",
        "doubling": "local s = 'x' while true do s = s .. s end",
        "concat": "local t = {} for i = 1, 64 do t[i] = ('x'):rep(1e6) end return table.concat(t, ('y'):rep(1e6))",
        "gsub": "return (('x'):rep(1e6)):gsub('x', ('y'):rep(1e6))",
        "closures": "local f = function() end while true do local g = f f = function() return g end end",
        "coroutines": "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
        "unpack": "local t = {} while true do t[#t + 1] = { table.unpack({}, 1, 100000) } end",
        "within a coroutine": "coroutine.wrap(function() local t = {} while true do t = { t } end end)()",
        "format":
            "local s = ('x'):rep(1e7) return string.format(('%s'):rep(10), s, s, s, s, s, s, s, s, s, s)",
    ]

    @Test("a script that takes too much memory is stopped, and the memory comes back", arguments: bombs.keys.sorted())
    func bomb(name: String) throws {
        let script = try Script(limits: LuaLimits(memory: 64 << 20, slice: .seconds(20)))
        let error = try script.failure(try #require(MemoryTests.bombs[name]))
        if error.message.contains("resulting string too large") {
            #expect(error.kind == .runtime)
        } else {
            #expect(error.kind == .memory, "\(error.message)")
            #expect(error.message == "test.lua:1: memory limit of 64 MiB exceeded")
        }
        #expect(script.state.memoryInUse < 32 << 20)
        #expect(try script.run("local t = {} for i = 1, 1e5 do t[i] = i end return #t") == ["100000"])
    }

    @Test("a memory error can be caught, and says where it was")
    func caught() throws {
        let script = try Script(limits: LuaLimits(memory: 16 << 20, slice: .seconds(10)))
        #expect(
            try script.run("local function grow() local t = {}\nwhile true do t = { t } end end return pcall(grow)")
                == ["false", "test.lua:2: memory limit of 16 MiB exceeded"])
        #expect(
            try script.run(
                "return coroutine.resume(coroutine.create(function() local t = {} while true do t = { t } end end))")
                == ["false", "test.lua:1: memory limit of 16 MiB exceeded"])
    }

    @Test("host code is not refused memory, but what it leaves is counted when it returns")
    func host() throws {
        let script = try Script(limits: LuaLimits(memory: 4 << 20))
        script.define("grow") { call in
            call.stack.newTable(array: 1 << 20)
            #expect(script.state.memoryInUse > 16 << 20)
            return .results(1)
        }
        let error = try script.failure("local t\nt = grow()")
        #expect(error.kind == .memory)
        #expect(error.message == "test.lua:2: memory limit of 4 MiB exceeded")
        #expect(script.state.memoryInUse < 4 << 20)
    }

    @Test(
        "recursion without end is an ordinary error with its line",
        arguments: [
            "local function f() return 1 + f() end f()",
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
            "local function f() local ok, m = pcall(f) if not ok then error(m, 0) end end f()",
            "local function f() string.gsub('a', 'a', f) end f()",
            "local function f() table.sort({ 1, 2 }, f) end f()",
            "local function f() return coroutine.wrap(f)() end f()",
            "local function f() call(f) end f()",
            "local m = {} m.__tostring = function(t) return tostring(t) end tostring(setmetatable({}, m))",
        ])
    func recursion(source: String) throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        let error = try script.failure(source)
        #expect(error.kind == .runtime)
        #expect(
            error.message.contains("stack overflow") || error.message.contains("error in error handling"),
            "\(error.message)")
        #expect(try script.run("return 'alive'") == ["alive"])
    }

    @Test("forty thousand nested closes do not use the C stack up")
    func nestedClose() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        let results = try script.run(
            """
            local function nest(n)
                local co
                co = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function()
                        if n > 0 then local inner = nest(n - 1) assert(coroutine.close(inner)) end
                    end })
                    coroutine.yield()
                end)
                coroutine.resume(co)
                return co
            end
            return coroutine.close(nest(40000))
            """)
        #expect(results.first == "false")
        #expect(results.last?.contains("too many nested calls of coroutine.close") == true)
    }

    @Test("nested closes, each as deep in C calls as Lua allows, fit the C stack")
    func nestedDeepClose() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        let results = try script.run(
            """
            local level, deepest, cos = 0, 0, {}
            local function recurse(n, f)
                if n == 0 then return f() end
                string.gsub('a', 'a', function() return recurse(n - 1, f) end)
            end
            local function closing(i)
                level = level + 1
                deepest = math.max(deepest, level)
                local reached = false
                for depth = 120, 1, -1 do
                    pcall(recurse, depth, function()
                        reached = true
                        if cos[i + 1] then coroutine.close(cos[i + 1]) end
                    end)
                    if reached then break end
                end
                level = level - 1
            end
            for i = 1, 20 do
                cos[i] = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() closing(i) end })
                    coroutine.yield()
                end)
                coroutine.resume(cos[i])
            end
            coroutine.close(cos[1])
            return deepest
            """)
        #expect(results == ["8"])
    }

    @Test("closing a long chain of to-be-closed variables works")
    func manyCloses() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        #expect(
            try script.run(
                """
                local closed = 0
                local meta = { __close = function() closed = closed + 1 end }
                local function nest(n) local x <close> = setmetatable({}, meta) if n > 0 then nest(n - 1) end end
                nest(10000)
                return closed
                """) == ["10001"])
    }

    @Test("releasing a function gives its slot to the next")
    func functions() throws {
        let script = try Script()
        final class Witness {}
        weak var last: Witness?
        for _ in 1...3 {
            for _ in 1...100 {
                let witness = Witness()
                last = witness
                script.state.stack.pushFunction("temporary") { _ in
                    _ = witness
                    return .results(0)
                }
                script.state.stack.pop()
            }
            try script.run("local t = {} for i = 1, 1e6 do t = {} end")
        }
        for _ in 1...400 {
            script.state.stack.pushFunction("other") { _ in .results(0) }
            script.state.stack.pop()
        }
        #expect(last == nil)
    }
}
