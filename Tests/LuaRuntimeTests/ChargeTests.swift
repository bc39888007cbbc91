import LuaRuntime
import Testing

/// What takes long within one call of a library, or within one instruction, is charged as loops are.
@Suite struct ChargeTests {
    /// Each is stopped by a budget of 100 ms; not one instruction or call of it lasts.
    static let slow: [String: String] = [
        "plain find of a short needle that nearly matches everywhere":
            "local s, p = ('a'):rep(5e7), 'b' .. ('a'):rep(254) while true do s:find(p, 1, true) end",
        "plain find of a long needle": """
        local s, p = ('a'):rep(8e6), ('a'):rep(4e6) .. 'b'
        while true do s:find(p, 1, true) end
        """,
        "tonumber of a long text": "local s = ('0'):rep(1e7) while true do tonumber(s) end",
        "tonumber of a long text in another base": "local s = ('0'):rep(1e7) while true do tonumber(s, 16) end",
        "arithmetic on a long text": "local s = ('0'):rep(1e7) while true do local x = s + 1 end",
        "a function of math on a long text": "local s = ('0'):rep(1e7) while true do math.sin(s) end",
        "a long text for a position": "local s = ('0'):rep(1e7) while true do ('x'):sub(s) end",
        "utf8.char of long texts":
            "local s, t = ('0'):rep(1e5) .. '65', {} for i = 1, 1e5 do t[i] = s end utf8.char(table.unpack(t))",
        "string.char of long texts":
            "local s, t = ('0'):rep(1e5) .. '65', {} for i = 1, 1e5 do t[i] = s end string.char(table.unpack(t))",
        "format of long numbers": """
        local s, t = ('0'):rep(1e5) .. '1', {}
        for i = 1, 1e4 do t[i] = s end
        while true do (('%d'):rep(1e4)):format(table.unpack(t)) end
        """,
        "format of numbers with many digits": """
        local t = {} for i = 1, 5e4 do t[i] = 1e308 end
        while true do (('%.99f'):rep(5e4)):format(table.unpack(t)) end
        """,
        "format that quotes control characters": "while true do local s = ('%q'):format(('\\1'):rep(1e6)) end",
        "a date with a long format": "os.date(('%c'):rep(1e6))",
        "a long format of pack": "local s = ('b'):rep(1e7) while true do string.packsize(s) end",
        "comparing strings of zeros": "local a = ('\\0'):rep(2e7) local b = a .. 'a' while true do local c = a < b end",
        "comparing long equal strings":
            "local a, b = ('a'):rep(4e7), ('a'):rep(4e7) while true do local c = a == b end",
        "sorting long strings": """
        local t = {} for i = 1, 100 do t[i] = ('a'):rep(1e6) .. i % 10 end
        while true do table.sort(t) end
        """,
        "selecting from many arguments":
            "local t = {} for i = 1, 5e5 do t[i] = i end while true do select(5, table.unpack(t)) end",
        "coroutines with many arguments": """
        local t = {} for i = 1, 5e5 do t[i] = i end
        while true do coroutine.wrap(function(...) end)(table.unpack(t)) end
        """,
        "next over what was emptied": """
        local emptied = {} for i = 1, 1e5 do emptied[i % 2 == 0 and i or -i] = i end
        for k in pairs(emptied) do emptied[k] = nil end
        while true do next(emptied) end
        """,
        "a call that leads to itself": "local m = {} local t = setmetatable({}, m) m.__call = t t()",
        "a call that leads to itself, caught":
            "local m = {} local t = setmetatable({}, m) m.__call = t while true do pcall(t) end",
        "a call that leads to itself in a coroutine":
            "local m = {} local t = setmetatable({}, m) m.__call = t while true do coroutine.wrap(function() t() end)() end",
    ]

    @Test("what takes long is stopped within the budget and 50 ms", arguments: slow.keys.sorted())
    func stopped(name: String) throws {
        let source = try #require(ChargeTests.slow[name])
        // Without optimization everything but the clock is slower.
        let limit: Double = 100 + 50 + 100
        let time = try leastMilliseconds(below: limit) {
            let script = try Script(limits: LuaLimits(slice: .milliseconds(100)))
            let error = try script.failure(source)
            #expect(error.kind == .budget, "\(error.message)")
            #expect(error.message.hasPrefix("test.lua:"), "\(error.message)")
            #expect(try script.run("return 1 + 1") == ["2"], "the state serves on")
        }
        #expect(time < limit, "took \(time) ms")
    }

    @Test("a long needle that is nearly there is looked for in time that grows with the text")
    func longNeedle() throws {
        let script = try Script()
        let source = "return (('a'):rep(2000000):find(('a'):rep(1000000) .. 'b', 1, true))"
        #expect(try script.run(source) == ["nil"])
    }

    @Test("plain find finds what a loop finds, wherever it lies")
    func plainFind() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        let source = """
            local window = 1 << 20
            for _, length in ipairs { 1, 2, 255, 256, 257, 5000, window - 1, window, window + 1 } do
                local needle = ('n'):rep(length - 1) .. 'x'
                for _, before in ipairs { 0, 1, window - length, window - 1, window, window + 1, 2 * window } do
                    if before >= 0 then
                        local text = ('-'):rep(before) .. needle .. ('-'):rep(3)
                        local from, to = text:find(needle, 1, true)
                        assert(from == before + 1 and to == before + length, length .. ' behind ' .. before)
                        assert(text:find(needle, from, true) == from)
                        assert(text:find(needle, from + 1, true) == nil)
                        assert(text:find(needle .. 'y', 1, true) == nil)
                    end
                end
            end
            assert((''):find('', 1, true) == 1 and (''):find('x', 1, true) == nil and ('ab'):find('abc', 1, true) == nil)
            return 'ok'
            """
        #expect(try script.run(source) == ["ok"])
    }

    @Test("rep makes what a loop makes")
    func repetition() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(20)))
        let source = """
            for _, text in ipairs { '', 'a', 'abc', ('x'):rep(70000) .. 'y' } do
                for _, separator in ipairs { '', ',', '--' } do
                    for _, count in ipairs { -1, 0, 1, 2, 3, 4, 7, 1000 } do
                        if #text * count < 1000000 then
                            local parts = {}
                            for i = 1, count do parts[i] = text end
                            assert(text:rep(count, separator) == table.concat(parts, separator))
                        end
                    end
                end
            end
            assert(('ab'):rep(100001, 'c') == ('abc'):rep(100000) .. 'ab')
            return 'ok'
            """
        #expect(try script.run(source) == ["ok"])
    }

    @Test("a host function is charged for what it does in a loop")
    func hostLoop() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(50)))
        script.define("work") { call throws(LuaFailure) in
            while true { try call.charge() }
        }
        let error = try script.failure("local x = 1\nwork()")
        #expect(error.message == "test.lua:2: the handler used more than 50 ms of CPU time without waiting")
        #expect(try script.failure("pcall(work)").kind == .budget)
    }

    @Test("work that the budget does not hold is not begun")
    func ahead() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(50)))
        var done = false
        script.define("work") { call throws(LuaFailure) in
            try call.charge(6_000_000)  // 60 ms
            done = true
            return .results(0)
        }
        #expect(try script.failure("work()").kind == .budget)
        #expect(!done)
    }
}
