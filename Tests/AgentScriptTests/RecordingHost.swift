import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// A host without a world: it keeps what scripts ask for, and a test gives the answers.
final class RecordingHost: ScriptHost {
    struct LogLine: Equatable {
        var level: ScriptLogLevel
        var message: String
        var values: [String: JSONValue] = [:]
        /// As people read them.
        var fields: [String: String] { values.mapValues(\.shown) }
    }

    private(set) var effects: [Effect] = []
    private(set) var lines: [LogLine] = []
    /// What coroutines began to wait for, in order.
    private(set) var waits: [ScriptWait] = []
    private(set) var spawned: [ScriptRun] = []
    private(set) var scheduled: [ScriptTimer] = []
    private(set) var cancelled: [ScriptTimer] = []
    /// Milliseconds since 1970; 2026-01-02T03:04:05.678Z unless a test moves it.
    var clock: Int64 = 1_767_323_045_678
    var answer: (Effect) -> EffectAnswer = { _ in .taken(reached: 2) }
    var secrets: (platform: String, values: [String: JSONValue])?
    private var identifierCount = 0

    func perform(_ effect: Effect, in script: ScriptContext) -> EffectAnswer {
        if !keepsNothing { effects.append(effect) }
        return answer(effect)
    }

    var isHeard = true
    /// For scripts that ask for very much.
    var keepsNothing = false
    /// How many of each the agent has.
    var counts: [ScriptDemand: Int] = [:]

    func hears(_ publication: Publication, eventType: String?, in script: ScriptContext) -> Bool { isHeard }

    func count(of demand: ScriptDemand, in script: ScriptContext) -> Int { counts[demand] ?? 0 }

    func wait(_ wait: ScriptWait, in script: ScriptContext) {
        waits.append(wait)
    }

    func spawn(_ function: SpawnedFunction, arguments: Int32, from stack: LuaStack, in script: ScriptContext) {
        let values = (0...arguments).map { _ in stack.reference() }
        let coroutine = script.state.coroutine()
        coroutine.context = self
        for value in values.reversed() {
            coroutine.stack.push(value)
            coroutine.stack.release(value)
        }
        spawned.append(ScriptRun(coroutine, coroutine.start(arguments: arguments), of: script))
    }

    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in script: ScriptContext) {
        if !keepsNothing { lines.append(LogLine(level: level, message: message, values: fields)) }
    }

    func schedule(_ timer: ScriptTimer, in script: ScriptContext) {
        scheduled.append(timer)
    }

    func cancel(_ timer: ScriptTimer, in script: ScriptContext) {
        cancelled.append(timer)
    }

    func platformSecrets() -> (platform: String, values: [String: JSONValue])? { secrets }

    func now() -> Int64 { clock }

    /// `00000000-0000-4000-8000-000000000001` and so on.
    func identifier() -> String {
        identifierCount += 1
        let digits = String(identifierCount)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }
}
