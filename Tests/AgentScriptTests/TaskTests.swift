import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// A task's request becomes the `task` table, or FastAPI's complaints.
@Suite struct TaskTests {
    private func failure(_ body: String) throws -> TaskFailure? {
        try failure(.body(ByteBuffer(string: body)))
    }

    private func failure(_ input: TaskRequest.Input) throws -> TaskFailure? {
        let script = try TestScript.probe("return task")
        do {
            _ = try script.task("probe", input: input)
            return nil
        } catch let failure as TaskFailure {
            return failure
        }
    }

    @Test("the smallest body is filled in")
    func smallest() throws {
        let script = try TestScript.probe("return task")
        #expect(
            try script.task("probe").results == [
                ["id": "task-1", "type": "probe", "query": "q", "parameters": [:], "context": [:], "priority": 1]
            ])
    }

    @Test("a whole body reaches the handler, and what is unknown does not")
    func whole() throws {
        let script = try TestScript.probe("return task")
        let body =
            #"{"query":"q","parameters":{"a":[]},"context":{"b":null},"task_type":"other","priority":3,"extra":1}"#
        #expect(
            try script.task("probe", body: body).results == [
                [
                    "id": "task-1", "type": "probe", "query": "q", "parameters": ["a": []], "context": ["b": nil],
                    "priority": 3,
                ]
            ])
        let coroutine = script.generation.state.coroutine()
        try script.generation.tasks.push(
            .body(ByteBuffer(string: body)), id: "i", type: "probe", on: coroutine.stack)
        #expect(coroutine.stack.top == 1)
        coroutine.recycle()
    }

    @Test("null counts as absent where a field may be")
    func nulls() throws {
        let script = try TestScript.probe("return task")
        let run = try script.task(
            "probe", body: #"{"query":"","parameters":null,"context":null,"task_type":null,"priority":null}"#)
        #expect(
            try run.results == [
                ["id": "task-1", "type": "probe", "query": "", "parameters": [:], "context": [:], "priority": 1]
            ])
    }

    @Test("a WebSocket's request has query and parameters")
    func call() throws {
        let script = try TestScript.probe("return task")
        let run = try script.task("probe", input: .call(query: "q", parameters: ByteBuffer(string: #"{"a":1}"#)))
        #expect(try run.results.first?["parameters"] == ["a": 1])
        #expect(try script.task("probe", input: .call(query: "q", parameters: nil)).results.first?["parameters"] == [:])
    }

    @Test(
        "a wrong field is one issue, as pydantic words it",
        arguments: [
            ("{}", "missing", ["body", "query"], "Field required", "{}"),
            (#"{"query":5}"#, "string_type", ["body", "query"], "Input should be a valid string", "5"),
            (#"{"query":null}"#, "string_type", ["body", "query"], "Input should be a valid string", "null"),
            (
                #"{"query":"q","parameters":[1]}"#, "dict_type", ["body", "parameters"],
                "Input should be a valid dictionary", "[1]"
            ),
            (
                #"{"query":"q","context":"x"}"#, "dict_type", ["body", "context"], "Input should be a valid dictionary",
                #""x""#
            ),
            (
                #"{"query":"q","task_type":[]}"#, "string_type", ["body", "task_type"],
                "Input should be a valid string", "[]"
            ),
            (
                #"{"query":"q","priority":0}"#, "greater_than_equal", ["body", "priority"],
                "Input should be greater than or equal to 1", "0"
            ),
            (
                #"{"query":"q","priority":4}"#, "less_than_equal", ["body", "priority"],
                "Input should be less than or equal to 3", "4"
            ),
            (
                #"{"query":"q","priority":"high"}"#, "int_parsing", ["body", "priority"],
                "Input should be a valid integer, unable to parse string as an integer", #""high""#
            ),
            (
                #"{"query":"q","priority":"4"}"#, "less_than_equal", ["body", "priority"],
                "Input should be less than or equal to 3", #""4""#
            ),
            ("", "missing", ["body"], "Field required", "null"),
            (
                "[]", "model_attributes_type", ["body"],
                "Input should be a valid dictionary or object to extract fields from", "[]"
            ),
            (
                "5", "model_attributes_type", ["body"],
                "Input should be a valid dictionary or object to extract fields from", "5"
            ),
            (
                "null", "model_attributes_type", ["body"],
                "Input should be a valid dictionary or object to extract fields from", "null"
            ),
        ] as [(String, String, [ValidationIssue.Step], String, String)])
    func issues(
        body: String, type: String, location: [ValidationIssue.Step], message: String, input: String
    ) throws {
        guard case .invalid(let issues)? = try failure(body) else {
            Issue.record("not invalid")
            return
        }
        try #require(issues.count == 1)
        #expect(issues[0].type == type && issues[0].location == location && issues[0].message == message)
        #expect(String(buffer: issues[0].input) == input)
    }

    @Test("a priority is converted as pydantic converts it", arguments: [(#""2""#, 2), ("3.0", 3), ("true", 1)])
    func priorities(given: String, priority: Int64) throws {
        let script = try TestScript.probe("return task.priority, math.type(task.priority)")
        let run = try script.task("probe", body: #"{"query":"q","priority":\#(given)}"#)
        #expect(try run.results == [.integer(priority), "integer"])
    }

    @Test("every wrong field is told at once")
    func several() throws {
        guard case .invalid(let issues)? = try failure(#"{"parameters":1,"priority":9}"#) else {
            Issue.record("not invalid")
            return
        }
        #expect(issues.map(\.location.last) == ["query", "parameters", "priority"])
    }

    @Test(
        "a body that is not JSON says where", arguments: [("{", 1), (#"{"a":}"#, 5), ("nope", 0), (#"{"a":1} x"#, 8)])
    func notJSON(body: String, offset: Int) throws {
        guard case .invalidJSON(let message, let at)? = try failure(body) else {
            Issue.record("not invalid JSON")
            return
        }
        #expect(at == offset && !message.isEmpty)
    }

    @Test("a body that is not UTF-8 says so")
    func notUTF8() throws {
        guard
            case .invalidUTF8? = try failure(
                .body(ByteBuffer(bytes: Array(#"{"query":""#.utf8) + [0xFF] + Array(#""}"#.utf8))))
        else {
            Issue.record("not refused as invalid UTF-8")
            return
        }
    }

    @Test("a refused request leaves its stack as it was")
    func balanced() throws {
        let script = try TestScript.probe("return task")
        let coroutine = script.generation.state.coroutine()
        for body in ["{", "[]", "{}", #"{"query":1,"parameters":2,"priority":3.5}"#] {
            let top = coroutine.stack.top
            #expect(throws: TaskFailure.self) {
                try script.generation.tasks.push(
                    .body(ByteBuffer(string: body)), id: "i", type: "probe", on: coroutine.stack)
            }
            #expect(coroutine.stack.top == top)
        }
        coroutine.recycle()
    }
}
