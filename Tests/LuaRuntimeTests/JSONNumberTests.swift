import LuaRuntime
import Testing

@Suite struct JSONNumberTests {
    /// What `encode` makes of a decoded document, after a line of Lua that may touch `data`.
    func forwarded(_ json: String, exact: Bool = false, touching: String = "") throws -> String {
        let script = try Script()
        script.state.stack.push(json)
        script.state.stack.setGlobal("text")
        return try script.run("local data = decode(text, \(exact)) \(touching) return encode(data)")[0]
    }

    static let documents = [
        "[6.30]", "[1e2]", "[1E+2]", "[-0]", "[0.1000]", "[0e0]", "[-0.0]", "[1.0e-400]", "[100]", "[1.10,1.1,1.100]",
        "[12345678901234567890]", "[-12345678901234567890]", "[18446744073709551615]", "[9223372036854775808]",
        "[0.12345678901234567891]", "[9007199254740993.0]", "[123456789012345678901234567890]",
        "[3.141592653589793238]",
        "{\"a\":{\"b\":[1,6.30,[2.50]]},\"id\":12345678901234567890,\"n\":null}", "{\"a\":[],\"b\":{},\"c\":7.0e1}",
        "[[],{},\"x\\\"y\",6.30]", "{\"id\":12345678901234567890,\"name\":\"12345678901234567890\"}",
    ]

    @Test("a document that is only passed on keeps the text of its numbers", arguments: documents)
    func untouched(json: String) throws {
        #expect(try forwarded(json) == json)
        #expect(try forwarded(json, exact: true) == json)
    }

    @Test(
        "what the script sets is written as it is",
        arguments: [
            ("{\"p\":6.30}", "data.p = 7.5", "{\"p\":7.5}"),
            ("{\"p\":6.30}", "data.p = data.p * 2", "{\"p\":12.6}"),
            ("{\"p\":6.30}", "data.p = data.p", "{\"p\":6.30}"),
            ("{\"p\":6.30}", "data.q = data.p", "{\"p\":6.30,\"q\":6.3}"),
            ("{\"p\":6.30}", "data.p = '6.30'", "{\"p\":\"6.30\"}"),
            ("{\"p\":6.30}", "data.p = nil", "{}"),
            ("{\"p\":6.30}", "data.p = { 6.30 }", "{\"p\":[6.3]}"),
            ("{\"p\":2e0}", "data.p = 2", "{\"p\":2}"),
            ("{\"id\":12345678901234567890}", "data.id = '12345678901234567890'", "{\"id\":\"12345678901234567890\"}"),
            ("[6.30,1.10]", "table.remove(data, 1)", "[1.1]"),
            ("[6.30,6.3]", "table.sort(data)", "[6.30,6.3]"),
            ("{\"p\":6.30}", "data = { old = data, p = data.p }", "{\"old\":{\"p\":6.30},\"p\":6.3}"),
            ("{\"p\":6.30}", "data = copy(data)", "{\"p\":6.3}"),
            ("{\"a\":6.30,\"a\":6.3}", "", "{\"a\":6.3}"),
            ("{\"a\":6.30,\"a\":1.50}", "", "{\"a\":1.50}"),
            ("6.30", "", "6.3"),
        ])
    func touched(json: String, lua: String, expected: String) throws {
        #expect(try forwarded(json, touching: lua) == expected)
    }

    @Test(
        "asked for exactly, a number that Lua cannot hold is a string, and a number again when it is passed on",
        arguments: [
            ("12345678901234567890", "string"), ("9223372036854775808", "string"), ("9223372036854775807", "integer"),
            ("0.12345678901234567891", "string"), ("9007199254740993.0", "string"), ("1e-400", "string"),
            ("6.30", "float"), ("1e2", "float"), ("0.1", "float"), ("1.7976931348623157e308", "float"),
            ("-0", "integer"),
        ])
    func exact(number: String, kind: String) throws {
        let script = try Script()
        let kinds = "local v = decode('[\(number)]', true)[1]"
        #expect(try script.run("\(kinds) return math.type(v) or type(v)") == [kind])
        if kind == "string" { #expect(try script.run("\(kinds) return v") == [number]) }
        #expect(try script.run("return encode(decode('{\"v\":\(number)}', true))") == ["{\"v\":\(number)}"])
        #expect(
            try script.run("return encode(decode('{\"v\":\(number),\"v\":\"\(number)\"}', true))")
                == ["{\"v\":\"\(number)\"}"])
        #expect(
            try script.run("local d = decode('{\"v\":\(number)}', true) d.v = 'x' return encode(d)") == [
                "{\"v\":\"x\"}"
            ])
    }

    @Test("the texts of numbers are collected with their tables")
    func collected() throws {
        let script = try Script()
        try script.run("for i = 1, 1000 do decode('{\"p\":6.30}') end")
        let before = script.state.memoryInUse
        for _ in 0..<10 {
            try script.run("for i = 1, 2000 do decode('{\"p\":6.30}') end")
        }
        #expect(script.state.memoryInUse < before + 2 << 20)
    }

    @Test(
        "the members of an object are in the order of their names' bytes",
        arguments: [
            ("{ b = 1, a = 2, c = 3 }", "{\"a\":2,\"b\":1,\"c\":3}"),
            ("{ ab = 1, a = 2, ['a\\0'] = 3, [''] = 4 }", "{\"\":4,\"a\":2,\"a\\u0000\":3,\"ab\":1}"),
            ("{ ['é'] = 1, z = 2, ['€'] = 3 }", "{\"z\":2,\"é\":1,\"€\":3}"),
            (
                "{ longer_than_eight_2 = 1, longer_than_eight_1 = { z = 1, y = { 2 } }, longer_t = 3 }",
                "{\"longer_t\":3,\"longer_than_eight_1\":{\"y\":[2],\"z\":1},\"longer_than_eight_2\":1}"
            ),
            ("{ B = 1, a = 2, _ = 3 }", "{\"B\":1,\"_\":3,\"a\":2}"), ("{ { b = 1, a = 2 } }", "[{\"a\":2,\"b\":1}]"),
        ])
    func order(expression: String, json: String) throws {
        // Every state has hashes of its own.
        for _ in 0..<5 {
            #expect(try Script().run("return encode(\(expression))") == [json])
        }
    }

    @Test("objects of any size are in order", arguments: [2, 15, 16, 17, 63, 64, 65, 1000, 20_000])
    func sizes(count: Int) throws {
        let script = try Script(limits: LuaLimits(slice: .seconds(30)))
        try script.run(
            "local t = {} for i = 1, \(count) do t[('k%d'):format(i * 7919 % \(count))] = { b = i, a = i } end json = encode(t)"
        )
        script.state.stack.getGlobal("json")
        let json = script.state.stack.withBytes(at: -1) { String(decoding: $0, as: UTF8.self) }
        let keys = (0..<count).map { "k\($0)" }.sorted()
        var expected = "{"
        let values = Dictionary(uniqueKeysWithValues: (1...count).map { ("k\($0 * 7919 % count)", $0) })
        for key in keys {
            if expected.utf8.count > 1 { expected += "," }
            let value = values[key] ?? 0
            expected += "\"\(key)\":{\"a\":\(value),\"b\":\(value)}"
        }
        #expect(json == expected + "}", "\(count) members")
    }
}
