import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// One run of a function of the script, from its start to its end, over as many waits as it makes.
final class Invocation {
    let generation: LiveGeneration
    let scope: EffectScope
    /// How many events lie between the outside and this handler; limits a chain of events.
    let depth: Int
    let name: HandlerName
    let coroutine: LuaCoroutine
    /// A spawned function: nobody waits for it to return.
    let isBackground: Bool
    /// Goes up with each wait and resumption, so that a completion which comes too late finds that it does.
    private(set) var turn = 0
    /// Seconds that all its waits together may take; nil for timers and most spawned functions.
    let timeLimit: Double?
    var timeout: Scheduled<Void>?
    var cancelWait: (() -> Void)?
    /// Those for whose end it waits.
    var awaited: (() -> [Invocation])?
    /// What is to be told of failures of functions that it has spawned, by their numbers, unless somebody waits for them
    /// before it ends.
    var unclaimed: [Int: () -> Void] = [:]
    private var finish: ((InvocationOutcome) -> Void)?
    /// When a spawned function began, by the loop's clock.
    let began: NIODeadline
    /// What runs.
    let function: LuaReference
    /// For observers.
    private let started: NIODeadline

    /// `coroutine` runs `function`.
    init(
        _ coroutine: LuaCoroutine, _ function: LuaReference, of generation: LiveGeneration, scope: EffectScope,
        depth: Int, name: HandlerName, isBackground: Bool, timeLimit: Double?,
        finish: @escaping (InvocationOutcome) -> Void
    ) {
        self.coroutine = coroutine
        self.generation = generation
        self.scope = scope
        self.depth = depth
        self.name = name
        self.isBackground = isBackground
        self.timeLimit = timeLimit
        self.finish = finish
        began = isBackground ? generation.generation.eventLoop.now : .uptimeNanoseconds(0)
        self.function = function
        started = generation.observer == nil ? .uptimeNanoseconds(0) : .now()
        generation.enter()
        if isBackground { scope.beginBackground() } else { scope.beginHandler() }
        generation.observer?.began(self)
    }

    var hasEnded: Bool { finish == nil }

    func nextTurn() -> Int {
        turn += 1
        cancelWait = nil
        awaited = nil
        return turn
    }

    /// The stack with what it raised on top, where that is a value which is kept as it is.
    func raised(_ outcome: InvocationOutcome) -> LuaStack? {
        guard case .failed(let error) = outcome, error.kind == .kept else { return nil }
        return coroutine.stack
    }

    private func end(of outcome: InvocationOutcome) -> RunEnd {
        switch outcome {
        case .returned: .returned
        case .failed, .timedOut: .failed(outcome.failure(of: name, limit: timeLimit ?? 0) ?? "")
        case .ended, .cutOff: .cutOff
        }
    }

    /// Ends the invocation; a second end does nothing.
    func end(_ outcome: InvocationOutcome) {
        guard let finish else { return }
        self.finish = nil
        timeout?.cancel()
        timeout = nil
        cancelWait?()
        cancelWait = nil
        awaited = nil
        turn += 1
        generation.observer?.ended(self, end(of: outcome), nanoseconds: (.now() - started).nanoseconds)
        finish(outcome)
        if !unclaimed.isEmpty {
            let untold = unclaimed.values
            unclaimed = [:]
            for tell in untold { tell() }
        }
        coroutine.recycle()
        generation.leave()
        if isBackground { scope.endBackground() } else { scope.endHandler() }
    }
}

extension Invocation: ObservedRun {
    var version: Generation { generation.generation }
    var cause: Cause { Cause(name, of: version.script, in: scope) }
}
