import LuaRuntime
import Testing

@Suite struct BudgetTests {
    /// Scripts that would never end, or not for hours; each must be stopped by the budget.
    static let runaways: [String: String] = [
        "a loop": "while true do end",
        "a loop under pcall": "while true do pcall(function() while true do end end) end",
        "a loop of pcall of pcall": "while true do pcall(pcall, pcall, function() while true do end end) end",
        "a loop under xpcall": "while true do xpcall(function() while true do end end, function(m) return m end) end",
        "a message handler that loops": "xpcall(function() error 'x' end, function() while true do end end)",
        "a message handler that loops after the budget":
            "xpcall(function() while true do end end, function() while true do end end)",
        "a loop in a coroutine": "coroutine.wrap(function() while true do end end)()",
        "coroutines in a loop":
            "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "many short coroutines": "while true do coroutine.wrap(function() for i = 1, 100 do end end)() end",
        "a coroutine ended and closed in a loop": """
        while true do
            local co = coroutine.create(function()
                local x <close> = setmetatable({}, { __close = function() while true do end end })
                coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)
        end
        """,
        "a pathological pattern": "return (('a'):rep(30)):find(('a?'):rep(30) .. ('a'):rep(30))",
        "a pathological pattern in match": "return (('a'):rep(50)):match('.-.-.-.-.-.-.-.-b')",
        "a pathological pattern in gmatch": "for x in (('a'):rep(50)):gmatch('.-.-.-.-.-.-.-.-b') do end",
        "a pathological pattern in gsub": "return (('a'):rep(50)):gsub('.-.-.-.-.-.-.-.-b', '')",
        "gsub that calls back in a loop": "(('a'):rep(1e6)):gsub('a', function() for i = 1, 1000 do end end)",
        "gsub under pcall in gsub":
            "while true do pcall(string.gsub, 'aaa', 'a', function() while true do end end) end",
        "plain find in a loop":
            "local s = ('a'):rep(1e6) while true do s:find('b', 1, true) end",
        "rep in a loop": "while true do local x = ('x'):rep(1e7) end",
        "rep of nothing": "while true do local x = (''):rep(1e15) end",
        "concatenation of long strings": "local s = ('x'):rep(2e7) while true do local t = s .. 'y' end",
        "comparison of long strings":
            "local a, b = ('x'):rep(2e7) .. 'a', ('x'):rep(2e7) .. 'a' while true do local c = a == b end",
        "upper in a loop": "local s = ('x'):rep(1e7) while true do s:upper() end",
        "utf8.len in a loop": "local s = ('x'):rep(1e7) while true do utf8.len(s) end",
        "concat with a false length":
            """
        table.concat(setmetatable({}, {
            __len = function() return 1 << 60 end, __index = function() return '' end }))
        """,
        "insert with a false length":
            """
        table.insert(setmetatable({}, {
            __len = function() return 1 << 60 end, __newindex = function() end }), 1, 1)
        """,
        "remove with a false length":
            "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
        "move of everything": "table.move({}, 1, 1 << 60, 2)",
        "sort with a comparator that loops": "table.sort({ 3, 2, 1 }, function() while true do end end)",
        "sort with a false length":
            """
        table.sort(setmetatable({}, { __len = function() return 1 << 30 end,
            __index = function() return 1 end, __newindex = function() end }))
        """,
        "a metamethod that loops":
            "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
        "tostring that loops": "tostring(setmetatable({}, { __tostring = function() while true do end end }))",
        "an error value that loops": "error(setmetatable({}, { __tostring = function() while true do end end }))",
        "a call that leads to itself": "local m = {} local t = setmetatable({}, m) m.__call = t t()",
        "a call that leads to itself, caught":
            "local m = {} local t = setmetatable({}, m) m.__call = t while true do pcall(t) end",
        "closing that loops": "local x <close> = setmetatable({}, { __close = function() while true do end end })",
        "closing that loops, after the budget": """
        local x <close> = setmetatable({}, { __close = function() while true do end end })
        while true do end
        """,
        "memory errors caught in a loop": "while true do pcall(string.rep, 'x', 1 << 40) end",
        "real memory errors caught in a loop": """
        while true do pcall(function() local t = {} while true do t[#t + 1] = { 'xxxxxxxx' } end end) end
        """,
        "load in a loop": "local s = ('x = 1 '):rep(10000) while true do load(s) end",
        "load of a function that never ends": "load(function() return 'x = 1 ' end)",
        "require-like calls": "while true do pcall(call, function() while true do end end) end",
        "a call of the host that loops": "call(function() while true do end end)",
        "string.format in a loop": "local s = ('x'):rep(1e6) while true do string.format('%s%s%s', s, s, s) end",
        "goto": "::a:: goto a",
    ]

    @Test("a script that would not end is stopped within its budget", arguments: runaways.keys.sorted())
    func runaway(name: String) throws {
        let script = try Script(limits: LuaLimits(memory: 128 << 20, slice: .milliseconds(40)))
        let source = try #require(BudgetTests.runaways[name])
        var error: LuaError?
        let time = try milliseconds { error = try script.failure(source) }
        #expect(error?.kind == .budget, "\(error?.message ?? "")")
        #expect(error?.message.contains("the handler used more than 40 ms of CPU time without waiting") == true)
        #expect(error?.message.hasPrefix("test.lua:") == true)
        #expect(time < 3000, "took \(time) ms")
        #expect(try script.run("return 1 + 1") == ["2"], "the state serves on")
    }

    @Test("the message names the line that ran")
    func line() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(20)))
        let error = try script.failure("local x = 1\n\nwhile true do x = x + 1 end")
        #expect(error.message == "test.lua:3: the handler used more than 20 ms of CPU time without waiting")
    }

    @Test("a coroutine that the budget ended can be closed later without hanging")
    func closeLater() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(20)))
        _ = try script.failure(
            """
            co = coroutine.create(function()
                local x <close> = setmetatable({}, { __close = function() while true do end end })
                while true do end
            end)
            coroutine.resume(co)
            """)
        #expect(try script.run("return coroutine.status(co), coroutine.close(co)").first == "dead")
    }

    @Test("each slice has a budget of its own")
    func freshBudget() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(300)))
        var (coroutine, step) = try script.start(
            "for i = 1, 4 do local t = os.clock() while os.clock() - t < 0.1 do end wait() end return 'done'")
        for _ in 1...4 {
            #expect(step.isWaiting)
            step = coroutine.resume(results: 0)
        }
        #expect(try script.results(of: step, coroutine) == ["done"])
    }

    @Test("a pooled coroutine is watched again after a budget error")
    func watchedAgain() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(10)))
        for _ in 1...5 {
            #expect(try script.failure("while true do end").kind == .budget)
        }
    }

    @Test("loading has a budget of its own")
    func loading() throws {
        let script = try Script()
        let chunk = try script.compile("while true do end")
        let error = try #require(throws: LuaError.self) {
            try script.state.call(chunk, budget: .milliseconds(30))
        }
        #expect(error.kind == .budget)
        #expect(error.message == "test.lua:1: the script used more than 30 ms of CPU time")
    }
}
