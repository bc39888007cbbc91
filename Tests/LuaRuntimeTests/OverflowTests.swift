import LuaRuntime
import Testing

@Suite struct OverflowTests {
    static let nested: [String: (source: String, through: String)] = [
        "gsub": ("local function f(s) return (s:gsub('.', f)) end\nreturn f('abc')", "the function 'gsub'"),
        "__tostring": (
            "local t = setmetatable({}, { __tostring = function(t) return tostring(t) end })\nreturn tostring(t)",
            "the function 'tostring'"
        ),
        "__concat": (
            "local t = setmetatable({}, { __concat = function(a, b) return a .. b end })\nreturn t .. 'x'",
            "the metamethod 'concat'"
        ),
        "__index": (
            "local t = setmetatable({}, { __index = function(t, k) return t[k] end })\nreturn t.x",
            "the metamethod 'index'"
        ),
        "__eq": (
            "local m = { __eq = function(a, b) return a == b end }\nreturn setmetatable({}, m) == setmetatable({}, m)",
            "the metamethod 'eq'"
        ),
        "sort": (
            "local function f() table.sort({ 1, 2, 3 }, f) return true end\nreturn f()", "the function 'sort'"
        ),
        "format": (
            "local function f() return ('%s'):format(setmetatable({}, { __tostring = f })) end\nreturn f()",
            "the function 'format'"
        ),
    ]

    @Test("an overflow of the C stack says where it was and what called itself", arguments: nested.keys.sorted())
    func overflow(name: String) throws {
        let script = try Script()
        let (source, through) = try #require(OverflowTests.nested[name])
        let error = try script.failure(source)
        #expect(error.kind == .runtime)
        #expect(error.message == "test.lua:1: C stack overflow: more than 200 nested calls through \(through)")
        let caught = try script.run("local ok, message = pcall(function() \(source) end) return message")
        #expect(caught == [error.message])
    }

    @Test("a message handler that fails is named with its line")
    func handler() throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(10)))
        let source = """
            local function deep() return deep() + 1 end
            return xpcall(error, deep, 'x')
            """
        let results = try script.run(source)
        #expect(results.first == "false" && results.last?.hasPrefix("test.lua:") == true, "\(results)")
    }

    @Test("coroutines within coroutines end with a line")
    func coroutines() throws {
        let script = try Script()
        let source = "local function f() return select(2, coroutine.resume(coroutine.create(f))) end\nreturn f()"
        #expect(
            try script.run(source) == [
                "test.lua:1: C stack overflow: too many coroutines resumed within one another"
            ])
    }
}
