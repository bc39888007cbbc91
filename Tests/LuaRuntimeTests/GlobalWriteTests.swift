import LuaRuntime
import Testing

/// What a file assigns globally is known once it is compiled.
@Suite struct GlobalWriteTests {
    private func writes(_ source: String) throws -> [String] {
        let script = try Script()
        _ = try script.compile(source)
        return script.state.globalWrites.map {
            "\($0.file):\($0.line) \($0.name)\($0.isInFunction ? " in a function" : "")"
        }
    }

    @Test(
        "each assignment of a global has its place",
        arguments: [
            ("x = 1", ["test.lua:1 x"]), ("function f() end", ["test.lua:1 f"]),
            ("\nlocal function f()\n\n  x = 1\nend", ["test.lua:4 x in a function"]),
            (
                "local function f()\n local function g()\n  return function() a, b = 1, 2 end\n end\nend",
                ["test.lua:3 b in a function", "test.lua:3 a in a function"]
            ),
            ("local t = { f = function() total = (total or 0) + 1 end }", ["test.lua:1 total in a function"]),
            ("local function f() local x = 1 x = 2 end", []), ("local x local function f() x = 2 end", []),
            ("local function f(t) t.x = 1 _G.y = 2 end", []),
            ("local function f() local _ENV = {} x = 1 end", []), ("local _ENV = {} local function f() x = 1 end", []),
            ("local function f() for i = 1, 2 do i = 3 end end", []),
        ] as [(String, [String])])
    func places(source: String, expected: [String]) throws {
        #expect(try writes(source) == expected)
    }

    @Test("lines are right in a long function too")
    func lines() throws {
        let source =
            "local function f()\n" + String(repeating: "local a = 1 do local b = a end\n", count: 180) + "x = 1\n"
            + String(repeating: "\n", count: 300) + "y = 1 end"
        #expect(try writes(source) == ["test.lua:182 x in a function", "test.lua:483 y in a function"])
    }

    @Test("of a text with very many there is nothing, rather than a part")
    func many() throws {
        let begin = "local function f() x = 1 end\n"
        #expect(try writes(begin + String(repeating: "a = 1\n", count: 1000)).count == 1001)
        #expect(try writes(begin + String(repeating: "a = 1\n", count: 10_000)) == [])
    }

    @Test("what a text is that load compiles is none of the file's")
    func load() throws {
        let script = try Script("load('x = 1')()")
        #expect(script.state.globalWrites.isEmpty)
    }
}
