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
            (#"{"systolic":"x"}"#, "float_type", ["systolic"], "Input should be a valid number", #""x""#),
            (#"{"systolic":1,"tags":{"a":1}}"#, "list_type", ["tags"], "Input should be a valid list", #"{"a":1}"#),
            (#"{"systolic":1,"tags":["a",5]}"#, "string_type", ["tags", "1"], "Input should be a valid string", "5"),
            (
                #"{"systolic":1,"place":7}"#, "model_attributes_type", ["place"],
                "Input should be a valid dictionary or object to extract fields from", "7"
            ),
            (#"{"systolic":1,"place":{"a":1}}"#, "missing", ["place", "latitude"], "Field required", #"{"a":1}"#),
            (#"{"systolic":1,"count":"1"}"#, "int_type", ["count"], "Input should be a valid integer", #""1""#),
            (
                #"{"systolic":1,"count":1.5}"#, "int_from_float", ["count"],
                "Input should be a valid integer, got a number with a fractional part", "1.5"
            ),
            (#"{"systolic":1,"at":true}"#, "datetime_type", ["at"], "Input should be a valid datetime", "true"),
            (
                #"{"systolic":1,"at":"soon"}"#, "datetime_parsing", ["at"],
                "Input should be a valid datetime, it is not ISO 8601", #""soon""#
            ),
            (#"{"systolic":1,"ok":1}"#, "bool_type", ["ok"], "Input should be a valid boolean", "1"),
            (#"{"systolic":1,"rates":[1]}"#, "dict_type", ["rates"], "Input should be a valid dictionary", "[1]"),
            (
                #"{"systolic":1,"rates":{"a":null}}"#, "float_type", ["rates", "a"], "Input should be a valid number",
                "null"
            ),
            (
                #"{"systolic":1,"both":[]}"#, "string_type", ["both"],
                "Input should be a valid string or a valid number", "[]"
            ),
            (#"{"systolic":1,"extra":1}"#, "dict_type", ["extra"], "Input should be a valid dictionary", "1"),
        ] as [(String, String, [String], String, String)])
    func wording(parameters: String, type: String, location: [String], message: String, input: String) throws {
        let issues = try issues(parameters)
        try #require(issues.count == 1)
        #expect(issues[0].type == type)
        #expect(issues[0].location == ["body", "parameters"] + location)
        #expect(issues[0].message == message)
        #expect(String(buffer: issues[0].input) == input)
    }

    @Test("absent parameters are missing fields, each one issue")
    func absent() throws {
        let script = try TestScript(Self.source)
        do {
            _ = try script.task("probe", body: #"{"query":"q"}"#)
            Issue.record("the task was taken")
        } catch TaskFailure.invalid(let issues) {
            #expect(issues.map(\.type) == ["missing"])
            #expect(issues.map(\.location) == [["body", "parameters", "systolic"]])
        }
        #expect(try issues(#"{"tags":1,"count":"x"}"#).map(\.type) == ["int_type", "missing", "list_type"])
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
