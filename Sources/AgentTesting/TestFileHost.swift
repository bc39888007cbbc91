import AgentModel
import AgentScript
import LuaRuntime

/// What the functions of the `agenthost` table ask for in a file of tests: it has a log and a clock, and no effects of
/// its own.
final class TestFileHost: ScriptHost {
    private let output: (String) -> Void

    /// `output` takes what the file prints and logs, line by line.
    init(output: @escaping (String) -> Void) {
        self.output = output
    }

    func perform(_ effect: Effect, in script: ScriptContext) -> EffectAnswer {
        .refused("a file of tests sends nothing itself")
    }

    func hears(_ publication: Publication, eventType: String?, in script: ScriptContext) -> Bool { true }

    func count(of demand: ScriptDemand, in script: ScriptContext) -> Int { 0 }

    func wait(_ wait: ScriptWait, in script: ScriptContext) {}

    func spawn(_ spawned: SpawnedFunction, arguments: Int32, from stack: LuaStack, in script: ScriptContext) {
        stack.pop(arguments + 1)
    }

    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in script: ScriptContext) {
        output(message + fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value.shown)" }.joined())
    }

    func schedule(_ timer: ScriptTimer, in script: ScriptContext) {}
    func cancel(_ timer: ScriptTimer, in script: ScriptContext) {}

    func platformSecrets() -> (platform: String, values: [String: JSONValue])? { nil }

    func now() -> Int64 { Timestamp.now() }

    func identifier() -> String { Identifier.random() }
}
