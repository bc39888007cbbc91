import LuaRuntime
import Testing

@Suite struct CopyTests {
    /// Copies `expression` of one state into another as `copied`, and evaluates `check` there.
    func copy(_ expression: String, check: String) throws -> [String] {
        let source = try Script("print = note value = \(expression)")
        let target = try Script()
        source.state.stack.getGlobal("value")
        try LuaState.copyPlain(from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        target.state.stack.setGlobal("copied")
        #expect(target.state.stack.top == 0 && source.state.stack.top == 1)
        return try target.run("return " + check)
    }

    @Test(
        "plain values arrive as they are",
        arguments: [
            ("42", "math.type(copied), copied", ["integer", "42"]),
            ("1.0", "math.type(copied), copied", ["float", "1.0"]),
            ("'text\\0\\xff'", "#copied", ["6"]), ("true", "copied", ["true"]), ("null", "copied == null", ["true"]),
            ("{ a = { 1, 2, { b = null } } }", "copied.a[3].b == null, #copied.a", ["true", "3"]),
            ("decode('[]')", "encode(copied)", ["[]"]),
            ("{ [true] = 1, [2.5] = 2 }", "copied[true], copied[2.5]", ["1", "2"]),
        ])
    func plain(expression: String, check: String, expected: [String]) throws {
        #expect(try copy(expression, check: check) == expected)
    }

    @Test("shared references and cycles stay what they are")
    func shared() throws {
        #expect(
            try copy(
                "(function() local s = { 1 } local t = { a = s, b = s } t.me = t s.up = t return t end)()",
                check: "copied.a == copied.b, copied.me == copied, copied.a.up == copied") == ["true", "true", "true"])
        #expect(
            try copy(
                "(function() local t = {} for i = 1, 100000 do t = { t } end return t end)()",
                check: "(function() local n, t = 0, copied while t[1] do t = t[1] n = n + 1 end return n end)()") == [
                    "100000"
                ])
    }

    @Test(
        "what is not plain is named by its path",
        arguments: [
            ("{ x = { f = print } }", "agent.state.x.f is a function"), ("print", "agent.state is a function"),
            ("{ list = { 1, coroutine.create(print) } }", "agent.state.list[2] is a thread"),
            ("{ o = setmetatable({}, {}) }", "agent.state.o has a metatable"),
            ("setmetatable({}, {})", "agent.state has a metatable"),
        ])
    func refused(expression: String, message: String) throws {
        let error = try #require(throws: LuaError.self) { _ = try copy(expression, check: "1") }
        #expect(error.message == message)
        #expect(error.kind == .json)
    }

    @Test(
        "what is not plain can be left out, and is told",
        arguments: [
            ("{ x = { f = print, g = 1 } }", "encode(copied)", #"{"x":{"g":1}}"#, "agent.state.x.f is a function"),
            ("{ 1, coroutine.create(print), 3 }", "copied[1], copied[2], copied[3]", "1", "agent.state[2] is a thread"),
            (
                "{ o = setmetatable({ a = 1 }, {}) }", "encode(copied)", #"{"o":{"a":1}}"#,
                "agent.state.o has a metatable"
            ),
            ("{ [print] = 1, a = 2 }", "encode(copied)", #"{"a":2}"#, "agent.state.function is a function"),
            ("{ [{ 1 }] = 2 }", "(next(copied))[1]", "1", nil),
            ("print", "rawget(_G, 'copied')", "nil", "agent.state is a function"),
            (
                "(function() local t = {} for i = 1, 9 do t[i] = { f = print } end return t end)()", "#copied", "9",
                "agent.state[5].f is a function and 4 more"
            ),
        ] as [(String, String, String, String?)])
    func lenient(expression: String, check: String, first: String, told: String?) throws {
        let source = try Script("print = note value = \(expression)")
        let target = try Script()
        source.state.stack.getGlobal("value")
        let lost = try LuaState.copyWhatIsPlain(
            from: source.state.stack, at: -1, to: target.state.stack, path: "agent.state")
        target.state.stack.setGlobal("copied")
        #expect(target.state.stack.top == 0 && source.state.stack.top == 1)
        #expect(lost == nil ? told == nil : told.map { lost?.hasSuffix($0) == true } == true)
        #expect(try target.run("return " + check).first == first)
    }

    @Test("a state can copy within itself")
    func within() throws {
        let script = try Script("value = { a = { 1 } } value.me = value")
        let stack = script.state.stack
        stack.push("below")
        stack.getGlobal("value")
        try LuaState.copyPlain(from: stack, at: -1, to: stack, path: "x")
        stack.setGlobal("copied")
        #expect(stack.top == 2)
        #expect(try script.run("return copied ~= value, copied.me == copied, copied.a[1]") == ["true", "true", "1"])
        try script.load("value = { f = decode }")
        stack.getGlobal("value")
        #expect(throws: LuaError.self) { try LuaState.copyPlain(from: stack, at: -1, to: stack, path: "x") }
        #expect(stack.top == 3)
    }
}
