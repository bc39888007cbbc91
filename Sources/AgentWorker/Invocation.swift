import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// What a handler came to.
enum InvocationOutcome {
    /// The results are the topmost values of the stack, valid only during the call.
    case returned(LuaStack, Int32)
    /// It raised, ran out of its limits, or waited too long.
    case failed(LuaError)
    /// Past its time limit while it waited.
    case timedOut
}

/// One run of a function of the script, from its start to its end, over as many waits as it makes.
final class Invocation {
    let generation: LiveGeneration
    let scope: EffectScope
    /// How many events lie between the outside and this handler; limits a chain of events.
    let depth: Int
    /// For messages that name what still runs: "task analyze_health", "handler of blood_pressure".
    let name: String
    var coroutine: LuaCoroutine?
    /// Goes up with each wait and resumption, so that a completion which comes too late finds that it does.
    private(set) var turn = 0
    /// Seconds that all its waits together may take; nil for timers and spawned functions.
    let timeLimit: Double?
    var timeout: Scheduled<Void>?
    var cancelWait: (() -> Void)?
    private var finish: ((InvocationOutcome) -> Void)?

    init(
        generation: LiveGeneration, scope: EffectScope, depth: Int, name: String, timeLimit: Double?,
        finish: @escaping (InvocationOutcome) -> Void
    ) {
        self.generation = generation
        self.scope = scope
        self.depth = depth
        self.name = name
        self.timeLimit = timeLimit
        self.finish = finish
    }

    func nextTurn() -> Int {
        turn += 1
        cancelWait = nil
        return turn
    }

    /// Ends the invocation; a second end does nothing.
    func end(_ outcome: InvocationOutcome) {
        guard let finish else { return }
        self.finish = nil
        timeout?.cancel()
        timeout = nil
        cancelWait?()
        cancelWait = nil
        turn += 1
        finish(outcome)
        coroutine?.recycle()
        coroutine = nil
        scope.endHandler()
    }
}
