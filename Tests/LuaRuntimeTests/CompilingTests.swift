import LuaRuntime
import Testing

@Suite struct CompilingTests {
    /// Sources on which Lua 5.4.4's parser takes time in proportion to the square of their length.
    static let slow: [String: String] = [
        "elseif": "local a\nif a then\n" + String(repeating: "elseif a then\n", count: 100_000) + "end",
        "elseif on one line": "local a if a then " + String(repeating: "elseif a then ", count: 100_000) + "end",
        "and": "local a\nreturn a" + String(repeating: " and a", count: 1_000_000),
        "or": "local a\nreturn a" + String(repeating: " or a", count: 1_000_000),
    ]

    @Test("compiling has the load's budget", arguments: slow.keys.sorted())
    func budget(name: String) throws {
        let source = Array(try #require(CompilingTests.slow[name]).utf8)
        let limit: Double = 100 + 50 + 100
        let time = try leastMilliseconds(below: limit) {
            let script = try Script()
            let error = try #require(throws: LuaError.self) {
                try source.withUnsafeBytes {
                    try script.state.compile($0, name: "test.lua", budget: .milliseconds(100))
                }
            }
            #expect(error.kind == .budget)
            #expect(
                error.message.wholeMatch(of: /test\.lua:[0-9]+: the script used more than 100 ms of CPU time/) != nil)
            if name == "elseif" { #expect(!error.message.hasPrefix("test.lua:1:"), "the line that was reached") }
            #expect(try script.run("return 1") == ["1"])
        }
        #expect(time < limit, "took \(time) ms")
    }

    @Test("load in a script is charged to the handler")
    func loading() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(100)))
        let source = "return load('local a if a then ' .. ('elseif a then '):rep(100000) .. 'end')"
        #expect(try script.failure(source).kind == .budget)
    }

    static let limits: [String: (source: String, message: String)] = [
        "brackets": (
            "x = 1\nx = " + String(repeating: "(", count: 300),
            "test.lua:2: blocks, functions or brackets are nested too deep"
        ),
        "blocks": (
            "\n" + String(repeating: "do\n", count: 300),
            "test.lua:201: blocks, functions or brackets are nested too deep"
        ),
        "gotos": (
            "do\n" + String(repeating: "goto x\n", count: 40_000) + "end ::x::",
            "test.lua:32770: too many labels/gotos (limit is 32767)"
        ),
    ]

    @Test("the parser's own limits are told with the line", arguments: limits.keys.sorted())
    func limit(name: String) throws {
        let (source, message) = try #require(CompilingTests.limits[name])
        let error = try #require(throws: LuaError.self) { try Script().compile(source) }
        #expect(error.message == message)
    }

    @Test("load names its chunk when it is nested too deep")
    func chunk() throws {
        let script = try Script()
        #expect(
            try script.run("return select(2, load('x =\\n' .. ('('):rep(300), '@part.lua'))")
                == ["part.lua:2: blocks, functions or brackets are nested too deep"])
        #expect(
            try script.run("return select(2, load('x =\\n' .. ('('):rep(300)))")
                == ["[string \"x =...\"]:2: blocks, functions or brackets are nested too deep"])
    }

    @Test("a long source is compiled as it stands")
    func long() throws {
        let script = try Script()
        let lines = (1...20_000).map { "x\($0 % 100) = 'ä\($0)' -- \(String(repeating: "-", count: $0 % 400))" }
        try script.load((lines + ["done = [[a\r\nb\n\n]] .. x7"]).joined(separator: "\n"))
        #expect(try script.run("return done") == ["a\nb\n\nä19907"])
    }
}
