import AgentModel
import NIOCore
import Testing

/// An endpoint's `parameters` model.
@Suite struct EndpointParameterTests {
    private static let source = """
        local agent = agenthost.agent { name = "a", endpoints = { { path = "/a", task_type = "probe",
          parameters = agenthost.model { systolic = "number", tags = "string[]?", ["place?"] = { latitude = "number" },
            count = "integer?", at = "timestamp?", ok = "boolean?", rates = "map<number>?", both = "string|number?",
            extra = "table?" } } } }
        agent:task("probe", function(task) return task.parameters end)
        """

    private func issues(_ parameters: String) throws -> [ValidationIssue] {
        let script = try TestScript(Self.source)
        do {
            _ = try script.task("probe", body: #"{"query":"q","parameters":\#(parameters)}"#)
            return []
        } catch TaskFailure.invalid(let issues) {
            return issues
        }
    }

    @Test("what fits reaches the handler, checked and without what the model does not name")
    func fitting() throws {
        let script = try TestScript(Self.source)
        let run = try script.task(
            "probe",
            body: #"{"query":"q","parameters":{"systolic":150,"x":1,"tags":[],"at":0,"place":{"latitude":1,"y":2}}}"#)
        #expect(
            try run.results == [
                ["systolic": 150, "tags": [], "at": "1970-01-01T00:00:00.000Z", "place": ["latitude": 1]]
            ])
    }

    @Test(
        "a wrong field is worded as pydantic words it",
        arguments: [
            (
                #"{"systolic":"x"}"#, "float_parsing", ["systolic"],
                "Input should be a valid number, unable to parse string as a number", #""x""#
            ),
            (#"{"systolic":[]}"#, "float_type", ["systolic"], "Input should be a valid number", "[]"),
            (#"{"systolic":"-inf"}"#, "finite_number", ["systolic"], "Input should be a finite number", #""-inf""#),
            (#"{"systolic":1,"tags":{}}"#, "list_type", ["tags"], "Input should be a valid list", "{}"),
            (#"{"systolic":1,"tags":{"a":1}}"#, "list_type", ["tags"], "Input should be a valid list", #"{"a":1}"#),
            (
                #"{"systolic":1,"tags":["a",5]}"#, "string_type", ["tags", .index(1)], "Input should be a valid string",
                "5"
            ),
            (
                #"{"systolic":1,"place":7}"#, "model_attributes_type", ["place"],
                "Input should be a valid dictionary or object to extract fields from", "7"
            ),
            (#"{"systolic":1,"place":{"a":1}}"#, "missing", ["place", "latitude"], "Field required", #"{"a":1}"#),
            (
                #"{"systolic":1,"count":"1.5"}"#, "int_parsing", ["count"],
                "Input should be a valid integer, unable to parse string as an integer", #""1.5""#
            ),
            (
                #"{"systolic":1,"count":1e20}"#, "int_parsing_size", ["count"],
                "Unable to parse input string as an integer, exceeded maximum size", "1e+20"
            ),
            (
                #"{"systolic":1,"count":1.5}"#, "int_from_float", ["count"],
                "Input should be a valid integer, got a number with a fractional part", "1.5"
            ),
            (#"{"systolic":1,"at":true}"#, "datetime_type", ["at"], "Input should be a valid datetime", "true"),
            (
                #"{"systolic":1,"at":"soon"}"#, "datetime_from_date_parsing", ["at"],
                "Input should be a valid datetime or date, input is too short", #""soon""#
            ),
            (
                #"{"systolic":1,"ok":2}"#, "bool_parsing", ["ok"],
                "Input should be a valid boolean, unable to interpret input", "2"
            ),
            (#"{"systolic":1,"ok":0.5}"#, "bool_type", ["ok"], "Input should be a valid boolean", "0.5"),
            (#"{"systolic":1,"rates":[1]}"#, "dict_type", ["rates"], "Input should be a valid dictionary", "[1]"),
            (
                #"{"systolic":1,"rates":{"a":null}}"#, "float_type", ["rates", "a"], "Input should be a valid number",
                "null"
            ),
            (#"{"systolic":1,"extra":1}"#, "dict_type", ["extra"], "Input should be a valid dictionary", "1"),
        ] as [(String, String, [ValidationIssue.Step], String, String)])
    func wording(
        parameters: String, type: String, location: [ValidationIssue.Step], message: String, input: String
    ) throws {
        let issues = try issues(parameters)
        try #require(issues.count == 1)
        #expect(issues[0].type == type)
        #expect(issues[0].location == ["body", "parameters"] + location)
        #expect(issues[0].message == message)
        #expect(String(buffer: issues[0].input) == input)
    }

    @Test("what stands for a value of the type becomes one")
    func conversions() throws {
        let script = try TestScript(Self.source)
        let body =
            #"{"systolic":" 1_50.5 ","count":"2.0","ok":"Yes","rates":{"a":"2.5e-1","b":true},"at":"-1","extra":null}"#
        #expect(
            try script.task("probe", body: #"{"query":"q","parameters":\#(body)}"#).results == [
                [
                    "systolic": 150.5, "count": 2, "ok": true, "rates": ["a": 0.25, "b": 1],
                    "at": "1969-12-31T23:59:59.000Z",
                ]
            ])
    }

    @Test("a union takes what fits as it is before what it can convert, and tells of every alternative when none does")
    func unions() throws {
        let script = try TestScript(
            """
            local agent = agenthost.agent { name = "a", endpoints = { { path = "/a", task_type = "probe",
              parameters = agenthost.model { x = "integer|string|map<number>" } } } }
            agent:task("probe", function(task) return task.parameters.x end)
            """)
        func result(_ json: String) throws -> JSONValue? {
            try script.task("probe", body: #"{"query":"q","parameters":{"x":\#(json)}}"#).results.first
        }
        #expect(try result(#""1""#) == "1")
        #expect(try result("true") == 1)
        #expect(try result(#"{"a":"2"}"#) == ["a": 2])
        do {
            _ = try result(#"{"a":"b"}"#)
            Issue.record("the task was taken")
        } catch TaskFailure.invalid(let issues) {
            #expect(issues.map(\.type) == ["int_type", "string_type", "float_parsing"])
            #expect(
                issues.map { $0.location.dropFirst(3) } == [["int"], ["str"], ["dict[str,float]", "a"]])
        }
    }

    @Test(
        "ctx has what pydantic puts there",
        arguments: [("0", "ge", 1), ("7", "le", 3)] as [(String, String, JSONValue)])
    func context(priority: String, name: String, value: JSONValue) throws {
        let script = try TestScript(Self.source)
        do {
            _ = try script.task("probe", body: #"{"query":"q","parameters":{"systolic":1},"priority":\#(priority)}"#)
            Issue.record("the task was taken")
        } catch TaskFailure.invalid(let issues) {
            #expect(issues.map { $0.context?.name } == [name])
            #expect(issues.map { $0.context?.value } == [value])
        }
    }

    @Test("absent parameters are missing where the model asks for something, and wrong fields are told in order")
    func absent() throws {
        let script = try TestScript(Self.source)
        do {
            _ = try script.task("probe", body: #"{"query":"q"}"#)
            Issue.record("the task was taken")
        } catch TaskFailure.invalid(let issues) {
            #expect(issues.map(\.type) == ["missing"])
            #expect(issues.map(\.location) == [["body", "parameters"]])
        }
        #expect(try issues(#"{"tags":1,"count":"x"}"#).map(\.type) == ["int_parsing", "missing", "list_type"])
        let optional = try TestScript(
            """
            local agent = agenthost.agent { name = "a", endpoints = { { path = "/a", task_type = "probe",
              parameters = agenthost.model { n = "number?" } } } }
            agent:task("probe", function(task) return task.parameters end)
            """)
        for body in [#"{"query":"q"}"#, #"{"query":"q","parameters":null}"#, #"{"query":"q","parameters":{"n":null}}"#]
        {
            #expect(try optional.task("probe", body: body).results == [[:]])
        }
    }

    @Test("the model checks a query string too, and what is wrong is of the query")
    func queryString() throws {
        let script = try TestScript(Self.source)
        let good = TaskRequest.Input.query(
            "q", parameters: ByteBuffer(string: #"{"systolic":"150","ok":"no","x":"y"}"#))
        #expect(try script.task("probe", input: good).results == [["systolic": 150, "ok": false]])
        do {
            _ = try script.task("probe", input: .query("q", parameters: ByteBuffer(string: #"{"count":"x"}"#)))
            Issue.record("the task was taken")
        } catch TaskFailure.invalid(let issues) {
            #expect(issues.map(\.location) == [["query", "count"], ["query", "systolic"]])
        }
    }

    @Test("a model of the contract serves as well")
    func contractModel() throws {
        let script = try TestScript(
            """
            local agent = agenthost.agent { name = "a", endpoints = {
              { path = "/a", task_type = "probe", parameters = agenthost.models.HealthData } } }
            agent:task("probe", function(task) return task.parameters.device_id end)
            """)
        let body = #"{"query":"q","parameters":{"device_id":"d","reading_type":"r","value":1,"unit":"u"}}"#
        #expect(try script.task("probe", body: body).results == ["d"])
        #expect(throws: TaskFailure.self) { _ = try script.task("probe", body: #"{"query":"q","parameters":{}}"#) }
    }
}
