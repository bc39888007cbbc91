import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// A coroutine of a script, step by step.
final class ScriptRun {
    enum State {
        case waiting
        case returned([JSONValue])
        case failed(LuaError)
    }

    /// Kept, so that the Lua state outlives the coroutine.
    private let script: ScriptContext
    private let coroutine: LuaCoroutine
    private(set) var state: State = .waiting

    init(_ coroutine: LuaCoroutine, _ step: LuaCoroutine.Step, of script: ScriptContext) {
        self.script = script
        self.coroutine = coroutine
        take(step)
    }

    deinit {
        if case .waiting = state { coroutine.recycle() }
    }

    /// Goes on with the results that the closure pushes.
    func resume(_ results: (LuaStack) throws -> Int32) rethrows {
        let count = try results(coroutine.stack)
        take(coroutine.resume(results: count))
    }

    func resume() { resume { _ in 0 } }

    /// Goes on with an error at the place of the call that waits.
    func resume(failing message: String) {
        take(coroutine.resume(failing: LuaFailure(message)))
    }

    var isWaiting: Bool {
        if case .waiting = state { true } else { false }
    }

    /// What it returned; throws what it raised, and when it waits.
    var results: [JSONValue] {
        get throws {
            switch state {
            case .returned(let values): return values
            case .failed(let error): throw error
            case .waiting: throw StillWaiting()
            }
        }
    }

    struct StillWaiting: Error {}

    private func take(_ step: LuaCoroutine.Step) {
        switch step {
        case .waiting, .notWaiting: state = .waiting
        case .failed(let error):
            state = .failed(error)
            coroutine.recycle()
        case .returned(let count):
            let stack = coroutine.stack
            let first = stack.top - count + 1
            state = .returned((0..<count).map { stack.value(at: first + $0) })
            coroutine.recycle()
        }
    }
}

extension LuaStack {
    /// A value as JSON; what has none (a function) as its text. Nil and null are both null.
    func value(at index: Int32) -> JSONValue {
        if type(at: index) == .nil { return .null }
        let json = try? withJSON(at: index, path: "value") { ByteBuffer(bytes: $0) }
        return json.flatMap { try? JSONValue(parsing: $0) } ?? .string(displayString(at: index))
    }
}
