import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// A handler whose code tells which fields it reads gets the body itself as its task; it must not be able to tell.
@Suite("What a handler sees of its task") struct TaskFieldsTests {
    private static let reading = """
        local function sum(id, type, query, parameters, context, priority)
          return { id = id, type = type, query = query, parameters = parameters, context = context, priority = priority }
        end
        local agent = agenthost.agent { name = "fields" }
        agent:task("named", function(task)
          return sum(task.id, task.type, task.query, task.parameters, task.context, task.priority)
        end)
        local function whole(task)
          return sum(task.id, task.type, task.query, task.parameters, task.context, task.priority)
        end
        agent:task("whole", function(task) return whole(task) end)
        agent:task("parameters", function(task) return task.parameters.a end)
        agent:task("none", function() return "ran" end)
        agent:task("wrong", function(task) return task.params end)
        """

    private static let bodies: [String] = [
        #"{"query":"q"}"#, #"{"query":""}"#, #"{"query":null}"#, #"{"query":7}"#, "{}", "[]", "7", "", "{", "null",
        #"{"query":"q","id":"mine","type":"mine","path":{"x":1},"head":"no","raw":1,"body":2}"#,
        #"{"query":"q","parameters":{"a":[1,{"b":null}]},"context":{"c":true},"priority":3,"task_type":"x"}"#,
        #"{"query":"q","parameters":null}"#, #"{"query":"q","parameters":[]}"#, #"{"query":"q","parameters":[1]}"#,
        #"{"query":"q","parameters":{}}"#, #"{"query":"q","parameters":"a"}"#, #"{"query":"q","context":null}"#,
        #"{"query":"q","context":[]}"#, #"{"query":"q","context":4}"#, #"{"query":"q","priority":null}"#,
        #"{"query":"q","priority":0}"#, #"{"query":"q","priority":4}"#, #"{"query":"q","priority":2.0}"#,
        #"{"query":"q","priority":2.5}"#, #"{"query":"q","priority":"2"}"#, #"{"query":"q","priority":true}"#,
        #"{"query":"q","task_type":null}"#, #"{"query":"q","task_type":5}"#, #"{"query":"q","query":"second"}"#,
    ]

    @Test("is the same whether its code tells what it reads or not", arguments: bodies) func same(body: String) throws {
        let script = try TestScript(Self.reading)
        func outcome(_ type: String) throws -> String {
            do {
                return "\(try script.task(type, body: body).results)".replacing(type, with: "TYPE")
            } catch let failure as TaskFailure {
                return "\(failure)"
            }
        }
        #expect(try outcome("named") == outcome("whole"))
    }

    @Test("is refused all the same where the handler reads nothing of it", arguments: [#"{"query":7}"#, "{", "[]"])
    func refused(body: String) throws {
        let script = try TestScript(Self.reading)
        #expect(throws: TaskFailure.self) { try script.task("none", body: body) }
        #expect(throws: TaskFailure.self) { try script.task("parameters", body: body) }
    }

    @Test("a field that no task has is told by its name") func misnomer() throws {
        let script = try TestScript(Self.reading)
        guard case .failed(let error) = try script.task("wrong").state else {
            Issue.record("did not fail")
            return
        }
        #expect(error.message.contains("params"))
    }
}
