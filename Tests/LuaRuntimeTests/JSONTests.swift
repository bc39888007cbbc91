import LuaRuntime
import Testing

@Suite struct JSONTests {
    func roundTrip(_ json: String, _ script: Script) throws -> String {
        script.state.stack.push(json)
        script.state.stack.setGlobal("text")
        return try script.run("return encode(decode(text))")[0]
    }

    @Test(
        "what is read is written the same",
        arguments: [
            "null", "true", "false", "0", "-1", "1.5", "1.0", "-0.0", "9223372036854775807", "-9223372036854775808",
            "1e+20", "1e-07", "0.1", "123456789.123", "\"\"", "\"text\"", "[]", "{}", "[[]]", "[{}]", "[null]",
            "[1,null,3]",
            "{\"a\":[]}", "{\"a\":null}", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\"", "\"é€😀\"",
            "[1,2.5,\"x\",true,null,[],{}]",
            "1.7976931348623157e+308", "5e-324", "\"/\"",
            "\"plain ascii of some length\"", "\"plain ascii of some length, then é\"",
            "\"seven\\\"quotes and more of it\"",
            "\"a control \\u0001 character in the middle of it\"",
        ])
    func same(json: String) throws {
        #expect(try roundTrip(json, Script()) == json)
    }

    @Test(
        "what is written otherwise means the same",
        arguments: [
            (" [ 1 , 2 ] ", "[1,2]"), ("1E2", "100.0"), ("18446744073709551615", "1.8446744073709552e+19"),
            ("9223372036854775808", "9.223372036854776e+18"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("{\"a\":1,\"a\":2}", "{\"a\":2}"), ("\"\\u00e9\\ud83d\\ude00\\/\"", "\"é😀/\""),
            ("1e15", "1000000000000000.0"),
            ("\"\u{7F}\u{2028}\"", "\"\u{7F}\u{2028}\""),
            ("[12345678901234567890123,\"\\u00e9\",{\"k\":[]}]", "[12345678901234567890123,\"é\",{\"k\":[]}]"),
        ])
    func equivalent(json: String, expected: String) throws {
        #expect(try roundTrip(json, Script()) == expected)
    }

    @Test(
        "documents after one another have their own keys: others, fewer, more, empty, long, escaped, at the same places"
    )
    func keysByPlace() throws {
        let script = try Script()
        let long = String(repeating: "k", count: 60)
        let many = (10..<90).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
        let documents = [
            #"{"a":1,"b":{"c":2,"d":[{"e":3},{"e":4}]}}"#, #"{"a":1,"b":{"c":2,"d":[{"e":3},{"e":4}]}}"#,
            #"{"a":1,"x":{"y":2}}"#, #"{"":1,"a":2}"#, #"{"a":2,"aa":{"":3}}"#, #"{"ab":1,"b":{"c":2}}"#, "{\(many)}",
            #"{"\#(long)":1,"é":2}"#, #"{"a":1,"b":{"c":2,"d":[{"e":3},{"f":4}]}}"#, "{\(many)}", #"{"":{"":{"":0}}}"#,
        ]
        for _ in 0..<3 {
            for document in documents {
                #expect(try roundTrip(document, script) == document)
                _ = try script.run("collectgarbage()")
            }
        }
        #expect(try roundTrip(#"{"\u0061":1,"b\n":2}"#, script) == #"{"a":1,"b\n":2}"#)
    }

    @Test("a string of any length is escaped where it must be, wherever that is")
    func everyPlace() throws {
        let script = try Script()
        for length in 0..<80 {
            let plain = String(repeating: "x", count: length)
            #expect(try roundTrip("\"\(plain)\"", script) == "\"\(plain)\"")
            for place in 0..<length {
                for special in ["\\\"", "\\\\", "\\u001f", "é", "\u{7F}", "\\n"] {
                    let text = "\"\(plain.prefix(place))\(special)\(plain.dropFirst(place + 1))\""
                    #expect(try roundTrip(text, script) == text)
                }
            }
        }
    }

    @Test("a string that is not UTF-8 is Base64, wherever it stands")
    func bytes() throws {
        let script = try Script()
        #expect(
            try script.run(
                "return encode('\\xff\\xfe'), encode({ a = { 'ok', '\\xff' } }), encode('text\\xc3'), encode('\\0\\xe9\\n')"
            )
                == [
                    #"{"encoding":"base64","base64":"//4="}"#, #"{"a":["ok",{"encoding":"base64","base64":"/w=="}]}"#,
                    #"{"encoding":"base64","base64":"dGV4dMM="}"#, #"{"encoding":"base64","base64":"AOkK"}"#,
                ])
    }

    @Test("numbers keep their kind")
    func kinds() throws {
        let script = try Script()
        #expect(
            try script.run(
                "local t, k = decode('[1, 1.0, 9007199254740993, 1e3]'), math.type return k(t[1]), k(t[2]), t[3], k(t[4])"
            )
                == ["integer", "float", "9007199254740993", "float"])
        #expect(
            try script.run("return decode('null') == null, tostring(null), type(null)") == ["true", "null", "userdata"])
    }

    /// Text, message and offset as Python 3.11's `json.loads` gives them.
    static let errors: [(String, String, Int)] = [
        ("", "Expecting value", 0), ("  ", "Expecting value", 2),
        ("{", "Expecting property name enclosed in double quotes", 1),
        ("[", "Expecting value", 1), ("[1", "Expecting ',' delimiter", 2), ("[1,", "Expecting value", 3),
        ("[1,]", "Expecting value", 3), ("{\"a\":1,}", "Expecting property name enclosed in double quotes", 7),
        ("{\"a\" 1}", "Expecting ':' delimiter", 5), ("{\"a\":}", "Expecting value", 5),
        ("{\"a\":1 \"b\"}", "Expecting ',' delimiter", 7),
        ("[1 2]", "Expecting ',' delimiter", 3), ("1 2", "Extra data", 2), ("01", "Extra data", 1),
        ("1.", "Extra data", 1),
        ("-", "Expecting value", 0), ("truth", "Expecting value", 0), ("nul", "Expecting value", 0),
        ("\"abc", "Unterminated string starting at", 0),
        ("[\"abc]", "Unterminated string starting at", 1), ("\"a\nb\"", "Invalid control character at", 2),
        ("\"a\\xb\"", "Invalid \\escape", 2), ("\"\\u12G4\"", "Invalid \\uXXXX escape", 2),
        ("{a:1}", "Expecting property name enclosed in double quotes", 1),
        ("not json", "Expecting value", 0), ("[1]]", "Extra data", 3), ("+1", "Expecting value", 0),
        (".5", "Expecting value", 0),
        ("'x'", "Expecting value", 0),
        ("{\"query\": \"x\", }", "Expecting property name enclosed in double quotes", 15),
        ("\"\\", "Unterminated string starting at", 0), ("1e", "Extra data", 1),
        ("[1e+]", "Expecting ',' delimiter", 2),
        ("\"\\u00e9", "Invalid \\uXXXX escape", 2), ("\"\\ud83d\\ude00", "Invalid \\uXXXX escape", 8),
    ]

    @Test("an error says what and where, as Python does", arguments: errors)
    func error(text: String, message: String, offset: Int) throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        let error = try #require(throws: JSONDecodingError.self) {
            try Array(text.utf8).withUnsafeBytes { try stack.pushJSON($0) }
        }
        #expect(error.message == message)
        #expect(error.offset == offset)
        #expect(stack.top == 0)
    }

    @Test(
        "text that Python would take and JSON does not allow",
        arguments: [
            ("\u{FEFF}{}", "Unexpected UTF-8 BOM (decode using utf-8-sig)", 0),
            ("NaN", "Expecting value", 0), ("[Infinity]", "Expecting value", 1), ("1e400", "Number out of range", 0),
            ("\"\\ud800\"", "Invalid \\uXXXX escape: unpaired surrogate", 2),
            ("\"\\udc00\\ud800\"", "Invalid \\uXXXX escape: unpaired surrogate", 2),
        ])
    func stricter(text: String, message: String, offset: Int) throws {
        try error(text: text, message: message, offset: offset)
    }

    @Test("bytes that are not UTF-8 are refused where they are")
    func notUTF8() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        for (bytes, offset): ([UInt8], Int) in [
            ([0x22, 0xFF, 0x22], 1), ([0x22, 0x61, 0xC3, 0x22], 2), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
        ] {
            let error = try #require(throws: JSONDecodingError.self) {
                try bytes.withUnsafeBytes { try stack.pushJSON($0) }
            }
            #expect(error.message == "Invalid UTF-8")
            #expect(error.offset == offset)
        }
    }

    @Test("depth is at most 128, both ways")
    func depth() throws {
        let script = try Script()
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try roundTrip(deepest, script) == deepest)
        let tooDeep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
        #expect(throws: LuaError.self) { try roundTrip(tooDeep, script) }
        #expect(try script.failure("decode(('['):rep(100000))").message == "Nested deeper than 128 levels at 128")
        #expect(try script.failure("decode(('{\"a\":'):rep(100000))").message == "Nested deeper than 128 levels at 640")
        #expect(
            try script.failure("local t = {} for i = 1, 200 do t = { t } end encode(t)").message
                .hasSuffix("is nested deeper than 128 levels"))
    }

    @Test(
        "tables that have no JSON are refused by path",
        arguments: [
            ("{ items = { 1, 2, { x = print } } }", "value.items[3].x is a function, which JSON cannot hold"),
            ("{ a = { [\"b c\"] = coroutine.create(print) } }", "value.a[\"b c\"] is a thread, which JSON cannot hold"),
            ("{ x = 0/0 }", "value.x is not a number (nan), which JSON cannot hold"),
            ("{ x = 1/0 }", "value.x is infinite, which JSON cannot hold"),
            ("{ 1, 2, nil, 4 }", "value is an array with holes"),
            ("{ [3] = 1 }", "value is an array with holes"),
            ("{ 1, 2, x = 3 }", "value is an array that has other keys too"),
            ("{ x = { a = 1, [1] = 2 } }", "value.x"),
            ("{ [true] = 1 }", "value has a key that is neither string nor index"),
            ("{ [1.5] = 1 }", "value has a key that is neither string nor index"),
            ("array { 1, nil, 3 }", "value is an array with holes"),
            ("array { x = 1 }", "value is an array that has other keys too"),
            ("{ ['\\xff'] = 1 }", "value has a key that is not UTF-8"),
            ("(function() local t = { a = {} } t.a.b = t return t end)()", "value.a.b is a cycle (it is value again)"),
            (
                "(function() local t = {} t[1] = t return { x = t } end)()",
                "value.x[1] is a cycle (it is value.x again)"
            ),
            ("print", "value is a function, which JSON cannot hold"),
        ])
    func refused(expression: String, message: String) throws {
        let script = try Script("print = note")
        #expect(try script.failure("encode(\(expression))").message.hasPrefix(message))
    }

    @Test(
        "arrays and objects",
        arguments: [
            ("{}", "{}"), ("array {}", "[]"), ("{ 1, 2, 3 }", "[1,2,3]"), ("{ n = 1 }", "{\"n\":1}"), ("nil", "null"),
            ("array { {}, array {} }", "[{},[]]"), ("{ [1] = 'a', [2] = 'b' }", "[\"a\",\"b\"]"),
            ("{ [1.0] = 'a' }", "[\"a\"]"),
            ("{ 1.0, -0.0, 1e100, 2^53, 100000.0, 0.00001 }", "[1.0,-0.0,1e+100,9007199254740992.0,100000.0,0.00001]"),
            (
                "(function() local t = {} for i = 20, 1, -1 do t[i] = i end return #t == 20 and t end)()",
                "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]"
            ),
            ("(function() local s = {} return { s, s } end)()", "[{},{}]"), ("{ null }", "[null]"),
            ("'\\u{10FFFF}'", "\"\u{10FFFF}\""),
            ("setmetatable({ x = 1 }, { __index = { y = 2 } })", "{\"x\":1}"),
        ])
    func arrays(expression: String, json: String) throws {
        #expect(try Script().run("return encode(\(expression))") == [json])
    }

    @Test("a small table cannot make endless text")
    func blowUp() throws {
        var limits = LuaLimits()
        limits.jsonOutput = 1 << 20
        let script = try Script(limits: limits)
        let error = try script.failure("local t = { 'x' } for i = 1, 60 do t = { t, t } end encode(t)")
        #expect(error.message.hasSuffix("makes more than 1048576 bytes of JSON"))
    }

    @Test("writing within writing")
    func nested() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        stack.push("outer")
        stack.push("inner")
        try stack.withJSON(at: 1, path: "a") { outer in
            try stack.withJSON(at: 2, path: "b") { inner in
                #expect(String(decoding: outer, as: UTF8.self) == "\"outer\"")
                #expect(String(decoding: inner, as: UTF8.self) == "\"inner\"")
            }
        }
    }

    @Test("a large document")
    func large() throws {
        let script = try Script()
        let json =
            "["
            + (1...50_000).map { "{\"id\":\($0),\"name\":\"n\($0)\",\"v\":[\($0),0.5,null]}" }.joined(separator: ",")
            + "]"
        try Array(json.utf8).withUnsafeBytes { try script.state.stack.pushJSON($0) }
        #expect(script.state.stack.length(of: -1) == 50_000)
        try script.state.stack.withJSON(at: -1, path: "x") { #expect($0.count == json.utf8.count) }
    }
}
