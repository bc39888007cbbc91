import LuaRuntime
import Testing

/// What the compiler and libraries of Lua 5.4.4 get wrong, and the bridge puts right: see LuaDefects.
@Suite struct LuaDefectTests {
    @Test("a break closes the loop's closing value, also out of the scope of a captured variable")
    func breakCloses() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
                local closed = 0
                local closing = setmetatable({}, { __close = function() closed = closed + 1 end })
                local function broken()
                    for key in next, { 1 }, nil, closing do
                        local function captured() return key end
                        break
                    end
                    local left = closed
                    for i = 1, 3 do
                        for key in next, { 1, 2 }, nil, closing do
                            local function captured() return key, i end
                            if i == 2 then break end
                        end
                    end
                    return left
                end
                local left = broken()
                local chunk = load("local closing = ... for k in next, { 1 }, nil, closing do local f = function() return k end break end return 'end'")
                return left, closed, chunk(closing), closed
                """) == ["1", "4", "end", "5"])
    }

    @Test("a table from outside can be indexed by a comparison")
    func comparisons() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
                local words = { [true] = "yes", [false] = "no" }
                local function word(a, b) return words[a < b], words[a == b], words[not (a <= b)] end
                local function set(a, b) words[a > b] = "set" return words[true] end
                local function mixed(a, b) if words[a < b] == "yes" and words[a ~= b] == "yes" then return "both" end return "one" end
                local a, b, c = word(1, 2)
                local d, e, f = word(2, 1)
                local g, h = mixed(1, 2), mixed(2, 2)
                return a, b, c, d, e, f, g, h, set(1, 2), set(2, 1)
                """) == ["yes", "no", "no", "no", "no", "yes", "both", "one", "yes", "set"])
    }

    @Test("an expression that reads too many fields one from another does not compile; Lua would recurse to name it")
    func fields() throws {
        let script = try Script("self = setmetatable({}, { __index = function(t) return t end })")
        #expect(
            try script.run("return load('return self' .. ('.a'):rep(200) .. ' == self')()") == ["true"])
        #expect(
            try script.run("return load('\\n\\nreturn self' .. ('.a'):rep(100000) .. ' + 1', '=deep')") == [
                "nil", "deep:3: more than 200 fields read one from another in one expression",
            ])
        #expect(
            try script.run("return load('return self' .. ('[self]'):rep(5000), '=deep')") == [
                "nil", "deep:1: more than 200 fields read one from another in one expression",
            ])
        #expect(throws: LuaError.self) {
            try script.load("local x = 1\nreturn self" + String(repeating: ".a", count: 1000), name: "long.lua")
        }
        do {
            try script.load("local x = 1\nreturn self" + String(repeating: ".a", count: 1000), name: "long.lua")
        } catch let error as LuaError {
            #expect(error.kind == .syntax && error.message.hasPrefix("long.lua:2: more than 200 fields"))
        }
    }

    @Test("what is compiled keeps its lines, names and varying arguments")
    func mended() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
                local chunk = load("local t = ... local function f(a, b) return t[a < b] end\\n\\nlocal x = f(1, 2) return x.y.z", "=mended")
                return select(2, pcall(chunk, { [true] = {} })), select(2, pcall(chunk, { [true] = { y = { z = 5 } } }))
                """) == ["mended:3: attempt to index a nil value (field 'y')", "5"])
    }

    @Test("an error in integer division names its own line")
    func divisionLine() throws {
        let script = try Script()
        #expect(
            try script.failure("local a = 0\nlocal b = 1\nlocal c = b % a").message
                == "test.lua:3: attempt to perform 'n%0'")
        #expect(
            try script.failure("local a = 0\nlocal b = 1\n\nlocal c = b // a").message
                == "test.lua:4: attempt to divide by zero")
    }

    @Test("utf8.codes refuses continuation bytes that belong to no character")
    func utf8Codes() throws {
        let script = try Script(
            """
            function codes(text, lax)
                local all = {}
                for place, code in utf8.codes(text, lax) do all[#all + 1] = place .. ':' .. code end
                return table.concat(all, ' ')
            end
            """)
        #expect(
            try script.run("return codes('aé€😀z'), codes(''), codes('\\0b')") == [
                "1:97 2:233 4:8364 7:128512 11:122", "", "1:0 2:98",
            ])
        #expect(try script.run("return codes('\\u{7FFFFFFF}a', true)") == ["1:2147483647 7:97"])
        for bad in ["ab\\xff", "\\xbfinvalid", "\\u{D800}", "a\\x80b", "\\u{400}\\x80", "é\\x80", "\\xC0\\x80"] {
            #expect(try script.run("return pcall(codes, '\(bad)')").first == "false", "\(bad)")
        }
        #expect(try script.failure("codes('a\\x80')").message.contains("invalid UTF-8 code"))
    }

    @Test("an error while an error is handled, with the memory used up, is an error")
    func errorInErrorHandling() throws {
        let script = try Script(limits: .init(memory: 4 << 20))
        _ = try? script.run(
            """
            local hoard = {}
            pcall(function() for i = 1, 1e9 do hoard[i] = ('x'):rep(200) .. i end end)
            local co = coroutine.create(function()
                local x <close> = setmetatable({}, { __close = function()
                    local function overflow() return xpcall(overflow, overflow) end
                    overflow()
                    error(setmetatable({}, { __tostring = function() error('again') end }))
                end })
                coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)
            """)
        #expect(try script.run("return 1") == ["1"])
    }

    @Test("a coroutine cannot nest coroutine.close until the C stack is used up")
    func nestedClose() throws {
        let script = try Script()
        let error = try script.failure(
            """
            local function nest(n)
                local co = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() nest(n + 1) end })
                    coroutine.yield()
                end)
                coroutine.resume(co)
                local ok, message = coroutine.close(co)
                if not ok then error(message, 0) end
            end
            nest(1)
            """)
        #expect(error.message.contains("too many nested calls of coroutine.close"))
    }

    @Test("an array with a length that its few fields make up is copied, not made room for")
    func madeUpLength() throws {
        let script = try Script()
        #expect(
            try script.run(
                """
                local fields = {}
                for i = 0, 30 do fields[#fields + 1] = ('[1 << %d] = true'):format(i) end
                made = array(load('return { ' .. table.concat(fields, ', ') .. ' }')())
                return #made == 1 << 30
                """) == ["true"])
        let stack = script.state.stack
        stack.getGlobal("made")
        try LuaState.copyPlain(from: stack, at: -1, to: stack, path: "made")
        #expect(stack.isArray(at: -1))
        stack.setTop(0)
        #expect(script.state.memoryInUse < 16 << 20)
    }
}
