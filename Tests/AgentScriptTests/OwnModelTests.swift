import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// `agenthost.model { … }`.
@Suite struct OwnModelTests {
    @Test(
        "a value of the type passes",
        arguments: [
            ("string", #""text""#, "text" as JSONValue), ("number", "1", 1), ("number", "1.5", 1.5),
            ("integer", "3.0", 3), ("integer", #"" 1_000.0""#, 1000), ("integer", "true", 1),
            ("number", #""1.50""#, 1.5),
            ("number", #""150""#, 150), ("boolean", "1", true), ("boolean", #""OFF""#, false),
            ("timestamp", #""1700000000.5""#, "2023-11-14T22:13:20.500Z"), ("timestamp|string", #""soon""#, "soon"),
            ("boolean", "false", false), ("table", "{ 1, 2 }", [1, 2]), ("table", "{ a = 1 }", ["a": 1]),
            ("any", "true", true), ("timestamp", "0", "1970-01-01T00:00:00.000Z"), ("string[]", "{}", []),
            ("string[]", #"{ "a", "b" }"#, ["a", "b"]), ("integer[][]", "{ { 1 }, {} }", [[1], []]),
            ("map<number>", "{ a = 1, b = 2 }", ["a": 1, "b": 2]), ("map<number>", "{}", [:]),
            ("map< string[] >", #"{ a = { "x" } }"#, ["a": ["x"]]), ("string|number", "1", 1),
            ("string | number", #""x""#, "x"),
            ("number|map<number>|string[]", #"{ "x" }"#, ["x"]), ("string?", #""x""#, "x"),
        ] as [(String, String, JSONValue)])
    func fitting(type: String, value: String, expected: JSONValue) throws {
        #expect(
            try TestScript.evaluate("return agenthost.model { x = '\(type)' } { x = \(value) }") == [["x": expected]])
    }

    @Test(
        "a value of another type is named",
        arguments: [
            ("string", "1", "x: string expected, got number"), ("number", #""one""#, #"x: number expected, got "one""#),
            ("number", "{}", "x: number expected, got table"),
            ("number", "1/0", "x: finite number expected, got inf"), ("integer", "1.5", "x: integer expected, got 1.5"),
            ("integer", #""1.5""#, #"x: integer expected, got "1.5""#),
            ("integer", "2^70", "x: integer of 64 bits expected, got 1.1805916207174e+21"),
            ("boolean", "2", "x: boolean expected, got 2"), ("boolean", "0.5", "x: boolean expected, got number"),
            ("table", "1", "x: table expected, got number"), ("any", "nil", "x: required"),
            ("any", "function() end", "x: a value expected, got function"),
            (
                "string[]", #"{ "a", 2, "c", 4 }"#,
                "x[2]: string expected, got number; x[4]: string expected, got number"
            ),
            ("string[]", "{ a = 1 }", "x: list of strings expected, got table"),
            ("map<number>", #"{ a = 1, b = "two" }"#, #"x.b: number expected, got "two""#),
            ("map<number>", "{ 1, 2 }", "x: table of numbers expected, got list"),
            ("map<number>", "{ [true] = 1 }", "x: table of numbers expected, got table"),
            ("string|number", "{}", "x: string or number expected, got table"),
            ("integer[]|integer", "{ {} }", "x[1]: integer expected, got table"),
            ("string?", "false", "x: string expected, got boolean"),
        ] as [(String, String, String)])
    func complaints(type: String, value: String, complaint: String) throws {
        #expect(
            try TestScript.evaluate("return agenthost.model { x = '\(type)' } { x = \(value) }")
                == [.null, .string(complaint)])
    }

    @Test("models nest: tables of fields, lists of them, and other models")
    func nested() throws {
        let top = """
            local Place = agenthost.model { latitude = "number" }
            local Trip = agenthost.model { from = Place, stops = { Place }, ["to?"] = { place = Place, at = "timestamp?" } }
            """
        #expect(
            try TestScript.evaluate(
                "return Trip { from = { latitude = 1, x = 2 }, stops = { { latitude = 2 } }, to = { place = { latitude = 3 } } }",
                top: top)
                == [["from": ["latitude": 1], "stops": [["latitude": 2]], "to": ["place": ["latitude": 3]]]])
        #expect(
            try TestScript.evaluate("return Trip { from = 1, stops = { {}, { latitude = 'x' } }, to = {} }", top: top)
                == [
                    .null,
                    .string(
                        "from: table expected, got number; stops[1].latitude: required; "
                            + #"stops[2].latitude: number expected, got "x"; to.place: required"#),
                ])
        #expect(
            try TestScript.evaluate("return Trip { from = { latitude = 1 }, stops = {} }", top: top)
                == [["from": ["latitude": 1], "stops": []]])
    }

    @Test("the model of the contract's example")
    func example() throws {
        let top = """
            local Vitals = agenthost.model { systolic = "number", name = "string?", tags = "string[]", id = "integer",
              location = { latitude = "number" }, ok = "boolean", extra = "table?", anything = "any" }
            """
        #expect(
            try TestScript.evaluate("return Vitals {}", top: top)
                == [
                    .null,
                    "anything: required; id: required; location: required; ok: required; systolic: required; tags: required",
                ])
    }

    @Test(
        "a definition that is wrong names the field",
        arguments: [
            ("{ x = 'strng' }", "field 'x': unknown type 'strng' (did you mean 'string'?)"),
            (
                "{ x = 'hash' }",
                "field 'x': unknown type 'hash' (known: any, string, number, integer, boolean, table, timestamp, map<…>, …[])"
            ),
            ("{ x = 'int' }", "field 'x': unknown type 'int' (it is integer)"),
            ("{ x = 'dict' }", "field 'x': unknown type 'dict' (it is table, or map<string>)"),
            ("{ x = 1 }", "field 'x': a type's name or a table of fields expected, got number"),
            (
                "{ x = { max = 30 } }",
                "field 'x.max': a type's name or a table of fields expected, got number (a model knows types alone; the handler "
                    + "checks a range, and returns agenthost.answer(422, { detail = … }))"
            ),
            (
                "{ x = 'number(5..30)' }",
                "field 'x': the type 'number(5..30)' cannot be read at '(5..30)' (a model knows types alone;"
            ),
            (
                "{ x = 'number = 1' }",
                "field 'x': the type 'number = 1' cannot be read at '= 1' (a field with a default is optional, \"number?\", and"
            ),
            ("{ 'string' }", "names of fields expected, got 1"),
            ("{ x = { y = 'nope' } }", "field 'x.y': unknown type 'nope' (known:"),
            ("{ x = { 'number', y = 'string' } }", "names of fields expected in 'x', got 1"),
            ("{ x = 'string[' }", "field 'x': the type 'string[' cannot be read at '['"),
            ("{ x = 'string?|number' }", "field 'x': the type 'string?|number' cannot be read at '|number'"),
            ("{ x = '' }", "field 'x': the type '' cannot be read at its end"),
            ("{ x = 'map<number' }", "field 'x': the type 'map<number' cannot be read at its end"),
            ("{ x = 'string', ['x?'] = 'string' }", "field 'x' is there twice, with ? and without"),
            ("{ x = { 'strin' } }", "field 'x[]': unknown type 'strin' (did you mean 'string'?)"),
        ] as [(String, String)])
    func wrongDefinition(definition: String, complaint: String) throws {
        let message = try #require(try TestScript.failure("agenthost.model \(definition)"))
        #expect(message.hasPrefix("agent.lua:3: agenthost.model: \(complaint)"), "\(message)")
    }

    @Test(
        "a definition without end is refused",
        arguments: [
            "local t = {} t.t = t agenthost.model(t)", "local t = {} t[1] = t agenthost.model { t = t }",
            "agenthost.model { t = ('map<'):rep(100) .. 'any' .. ('>'):rep(100) }",
        ])
    func endlessDefinition(body: String) throws {
        let message = try #require(try TestScript.failure(body))
        #expect(message.contains("nested more than 32 deep"), "\(message)")
    }

    @Test("agenthost.model wants a table", arguments: [("", "nothing"), ("'x'", "string")])
    func noDefinition(argument: String, got: String) throws {
        #expect(
            try TestScript.failure("agenthost.model(\(argument))")
                == "agent.lua:3: bad argument 'fields' to 'model' (table expected, got \(got))")
    }

    @Test("a table that looks like a model is none")
    func forged() throws {
        let message = try TestScript.loadFailure(
            """
            agenthost.agent { name = "a", endpoints = { { path = "/a", task_type = "t",
              parameters = setmetatable({}, { schema = -1 }) } } }
            """)
        #expect(message == "agent.lua:1: endpoints[1]: parameters must be a model, as agenthost.model { … } makes one")
    }

    @Test("models made in a handler are collected with it")
    func collected() throws {
        // A budget for each two thousand, so that a busy machine has time enough.
        let script = try TestScript.probe("for i = 1, 2000 do agenthost.model { x = 'string' } end")
        for _ in 0..<10 { #expect(try script.task("probe").results == []) }
        #expect(script.generation.state.memoryInUse < 64 << 20)
    }
}
