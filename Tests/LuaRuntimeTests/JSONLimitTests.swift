import LuaRuntime
import Testing

/// What host functions make for a script counts against its memory and its time.
@Suite struct JSONLimitTests {
    @Test(
        "on a stack that is nearly full, what needs more of it is an error with the line",
        arguments: [
            "decode(('['):rep(120) .. (']'):rep(120))", "decode(('{\"a\":'):rep(120) .. '6.30' .. ('}'):rep(120))",
            "decode('[')", "encode({ a = { b = 1 } })", "encode(decode('[6.30]'))", "copy({ a = { b = 1 } })",
        ], [999_000, 999_700, 999_900, 999_960])
    func fullStack(call: String, arguments: Int) throws {
        let script = try Script()
        let result = try script.run(
            """
            local function f(...)
              local value = \(call)
              return value
            end
            return pcall(f, table.unpack({}, 1, \(arguments)))
            """)
        #expect(
            result[0] == "true" || result[1] == "test.lua:2: stack overflow" || result[1].hasPrefix("Expecting value")
                || result[1].hasPrefix("too many results to unpack"), "\(result)")
        #expect(try script.run("return encode(decode('[[[1]]]'))") == ["[[[1]]]"])
    }

    @Test("deep documents are refused where the stack has no room for them")
    func deep() throws {
        let script = try Script()
        #expect(
            try script.failure(
                """
                local function f(...)
                  local value = decode(('['):rep(120) .. (']'):rep(120))
                  return value
                end
                f(table.unpack({}, 1, 999900))
                """
            ).message == "test.lua:2: stack overflow")
    }

    @Test(
        "a document whose value does not fit is the script's memory error",
        arguments: [("('[],'):rep(300000)", 16), ("('{},'):rep(50000)", 3), ("('\"abc\",'):rep(500000)", 8)])
    func memory(items: String, mebibytes: Int) throws {
        let limits = LuaLimits(memory: mebibytes << 20, slice: .seconds(30))
        let script = try Script(limits: limits)
        let error = try script.failure("local s = '[' .. \(items) .. '0]'\ndecode(s)")
        #expect(error.message == "test.lua:2: memory limit of \(limits.memory >> 20) MiB exceeded")
        #expect(script.state.memoryInUse <= limits.memory + 1 << 20)
        #expect(try script.run("return #decode('[1,2,3]')") == ["3"])
    }

    @Test(
        "a document that takes too long is the script's budget error",
        arguments: [
            "'[' .. ('[],'):rep(600000) .. '0]'", "(' '):rep(5000000) .. '0'",
            #"'["' .. ('\\n'):rep(800000) .. '"]'"#,
            "'[' .. ('1234567.5,'):rep(400000) .. '0]'", "'[' .. ('{\"a\":6.30},'):rep(100000) .. '0]'",
            "'[' .. ('[],'):rep(1000) .. '0]'",
        ])
    func time(document: String) throws {
        var limits = LuaLimits(memory: 2048 << 20, slice: .milliseconds(50))
        limits.load = .seconds(30)
        let script = try Script("document = \(document)", limits: limits)
        let taken = try milliseconds {
            let error = try script.failure("while true do decode(document) end")
            #expect(error.kind == .budget)
            #expect(error.message == "test.lua:1: the handler used more than 50 ms of CPU time without waiting")
        }
        #expect(taken < 2000)
    }

    @Test("a payload that is pushed for a handler has the limits of a handler")
    func payload() throws {
        let state = try LuaState(limits: LuaLimits(memory: 8 << 20))
        defer { state.close() }
        let coroutine = state.coroutine()
        defer { coroutine.recycle() }
        let json = "[" + String(repeating: "[],", count: 300_000) + "0]"
        let error = try #require(throws: JSONDecodingError.self) {
            try Array(json.utf8).withUnsafeBytes { try coroutine.stack.pushJSON($0) }
        }
        #expect(error.refusal?.kind == .memory)
        #expect(error.message == "memory limit of 8 MiB exceeded")
        #expect(coroutine.stack.top == 0)
        #expect(state.memoryInUse <= 8 << 20)
    }

    @Test("a payload takes no longer than a handler may")
    func payloadTime() throws {
        let state = try LuaState(limits: LuaLimits(memory: 2048 << 20, slice: .milliseconds(20)))
        defer { state.close() }
        let coroutine = state.coroutine()
        defer { coroutine.recycle() }
        let json = "[" + String(repeating: "[],", count: 800_000) + "0]"
        let error = try #require(throws: JSONDecodingError.self) {
            try Array(json.utf8).withUnsafeBytes { try coroutine.stack.pushJSON($0) }
        }
        #expect(error.refusal?.kind == .budget)
        #expect(error.message == "the handler used more than 20 ms of CPU time without waiting")
        #expect(coroutine.stack.top == 0)
    }

    /// A state with a value that is small to look at and takes long to walk through, made under the load budget.
    private func slow(_ source: String) throws -> Script {
        var limits = LuaLimits(slice: .milliseconds(5))
        limits.load = .seconds(60)
        return try Script(
            """
            local empty = {} for i = 1, 100000 do empty['k' .. i] = true end
            for k in pairs(empty) do empty[k] = nil end
            \(source)
            """, limits: limits)
    }

    @Test(
        "writing JSON is charged for every slot, byte and comparison",
        arguments: [
            "kept = {} for i = 1, 100000 do kept[i] = empty end",
            "kept = {} for i = 1, 100000 do kept['k' .. i] = empty end",
            "kept = empty for i = 1, 30 do kept = { kept, kept, empty } end",
            "local s = ('x'):rep(6000000) kept = { s, s, s, s, s, s, s, s, s, s }",
            "local s = ('\\1'):rep(1000000) kept = { s, s, s, s, s, s, s, s, s, s }",
            "local o = {} for i = 1, 20000 do o['key' .. i * 7919 % 20000] = 1 end kept = { o, o, o, o, o, o, o, o, o, o }",
            "local o = {} for i = 1, 100 do o['key' .. i * 79 % 100] = 1 end for i = 1, 100 do o = { b = o, a = o } end kept = o",
        ])
    func writing(source: String) throws {
        let script = try slow(source)
        let stack = script.state.stack
        stack.getGlobal("kept")
        let taken = milliseconds {
            let error = #expect(throws: LuaError.self) { try stack.withJSON(at: -1, path: "x") { _ in } }
            #expect(error?.kind == .budget)
            #expect(error?.message == "the handler used more than 5 ms of CPU time without waiting")
        }
        #expect(taken < 2000)
        #expect(stack.top == 1)
        let error = try script.failure("while true do encode(kept) end")
        #expect(error.message == "test.lua:1: the handler used more than 5 ms of CPU time without waiting")
    }

    @Test("a copy of a state has the budget of a script that loads")
    func copyTime() throws {
        let source = try Script(
            "value = {} for i = 1, 100000 do value[i] = { i } end", limits: LuaLimits(slice: .seconds(30)))
        var limits = LuaLimits()
        limits.load = .milliseconds(10)
        let target = try Script(limits: limits)
        source.state.stack.getGlobal("value")
        let error = try #require(throws: LuaError.self) {
            try LuaState.copyPlain(from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        }
        #expect(error.kind == .budget)
        #expect(error.message == "agent.state: the script used more than 10 ms of CPU time")
        #expect(target.state.stack.top == 0 && source.state.stack.top == 1)
    }

    @Test("a copy of a state counts against the memory of the state that gets it")
    func copyMemory() throws {
        let source = try Script("value = {} for i = 1, 100000 do value[i] = { i } end")
        let target = try Script(limits: LuaLimits(memory: 4 << 20))
        source.state.stack.getGlobal("value")
        let error = try #require(throws: LuaError.self) {
            try LuaState.copyPlain(from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        }
        #expect(error.kind == .memory)
        #expect(error.message == "agent.state: memory limit of 4 MiB exceeded")
        #expect(target.state.stack.top == 0 && source.state.stack.top == 1)
    }

    @Test("a state that fits is copied, with what the copying itself takes beyond the limit")
    func copyFits() throws {
        let limits = LuaLimits(memory: 16 << 20, slice: .seconds(30))
        let source = try Script("value = {} for i = 1, 100000 do value[i] = { i } end", limits: limits)
        let target = try Script(limits: limits)
        source.state.stack.getGlobal("value")
        try LuaState.copyPlain(from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        #expect(target.state.stack.length(of: -1) == 100_000)
    }

    @Test("a long string that is held many times is copied once")
    func copyStrings() throws {
        let source = try Script("local s = ('x'):rep(4000000) value = { s, s, s, s, { s, [s] = s } }")
        let target = try Script(limits: LuaLimits(memory: 16 << 20))
        source.state.stack.getGlobal("value")
        try LuaState.copyPlain(from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        #expect(target.state.memoryInUse < 6 << 20)
        target.state.stack.setGlobal("copied")
        #expect(try target.run("return #copied, #copied[4], #copied[5][copied[1]]") == ["5", "4000000", "4000000"])
    }

    @Test("what a host function leaves behind counts, also where the script itself allocates nothing")
    func results() throws {
        let script = try Script(
            "slots = {} for i = 1, 1000 do slots[i] = false end text = ('x'):rep(2000000)",
            limits: LuaLimits(memory: 32 << 20, slice: .seconds(30)))
        let error = try script.failure("for i = 1, 1000 do\nslots[i] = encode(text) end")
        #expect(error.kind == .memory)
        #expect(error.message == "test.lua:2: memory limit of 32 MiB exceeded")
        #expect(script.state.memoryInUse < 40 << 20)
        #expect(try script.run("slots = nil return #encode(text)") == ["2000002"])
    }
}
