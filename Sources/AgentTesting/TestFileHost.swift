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

    func perform(_ effect: Effect, in generation: Generation) -> EffectAnswer {
        .refused("a file of tests sends nothing itself")
    }

    func hears(_ publication: Publication, eventType: String?, in generation: Generation) -> Bool { true }

    func count(of demand: ScriptDemand, in generation: Generation) -> Int { 0 }

    func wait(_ wait: ScriptWait, in generation: Generation) {}

    func spawn(_ spawned: SpawnedFunction, arguments: Int32, from stack: LuaStack, in generation: Generation) {
        stack.pop(arguments + 1)
    }

    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in generation: Generation) {
        output(message + fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value.shown)" }.joined())
    }

    func schedule(_ timer: ScriptTimer, in generation: Generation) {}
    func cancel(_ timer: ScriptTimer, in generation: Generation) {}

    func platformSecrets() -> (platform: String, values: [String: JSONValue])? { nil }

    func now() -> Int64 { Timestamp.now() }

    func identifier() -> String { Identifier.random() }
}
