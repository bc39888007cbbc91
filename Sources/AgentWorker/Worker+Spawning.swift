import AgentModel
package import AgentScript
import Delivery
package import LuaRuntime
import NIOCore

/// Functions that handlers run beside themselves: `agenthost.spawn` and `agenthost.gather`. What they send belongs to the
/// cause of the handler, which is done when they are.
extension Worker {
    /// How long a function's failure waits to be logged for its spawner to wait for it.
    private static let claimTime = TimeAmount.seconds(1)

    // MARK: spawn

    package func spawn(
        _ spawned: SpawnedFunction, arguments: Int32, from stack: LuaStack, in script: ScriptContext
    ) {
        let slot = slots[script.agentIndex]
        guard let live = slot.live(of: script) else { return }
        let first = stack.top - arguments
        let references = (first...stack.top).map { index -> LuaReference in
            stack.pushValue(at: index)
            return stack.reference()
        }
        stack.setTop(first - 1)
        let spawner = currentInvocation(in: script)
        let scope = spawner?.scope ?? looseScope(slot)
        let name = HandlerName.spawned(in: spawner?.name)
        scope.beginBackground()
        live.enter()
        runQueue.laterInTurn { [self] in
            defer { scope.endBackground() }
            live.leave()
            guard !live.isClosed else {
                return scope.fail(DeliveryFailure("the script was replaced before its spawned function began"))
            }
            run(
                references[0], of: live, scope: scope, depth: spawner?.depth ?? 0, name: name,
                timeLimit: timeLimit(of: scope, in: slot), isBackground: true,
                arguments: { stack in
                    // A new coroutine has room for what `agenthost.spawn` lets through.
                    _ = stack.ensure(arguments + LuaCall.room)
                    for reference in references.dropFirst() { stack.push(reference) }
                    for reference in references { stack.release(reference) }
                    return arguments
                },
                begun: { spawned.runner = $0 },
                finish: { outcome in
                    self.ended(
                        spawned, outcome, of: live, spawner: spawner,
                        tell: { self.failure(outcome, of: live, in: slot, handler: name, scope: scope) },
                        fail: { scope.fail(DeliveryFailure($0)) },
                        message: outcome.failure(of: name, limit: slot.settings.taskTimeout),
                        isBounded: scope is MessageWork)
                })
        }
    }

    /// A message is done when what its handlers run beside themselves has ended, which must not take for ever.
    private func timeLimit(of scope: EffectScope, in slot: AgentSlot) -> Double? {
        scope is MessageWork ? slot.settings.taskTimeout : nil
    }

    /// `tell` logs and counts the failure, `fail` fails the cause. `isBounded`: the spawner cannot run for ever.
    private func ended(
        _ spawned: SpawnedFunction, _ outcome: InvocationOutcome, of live: LiveGeneration, spawner: Invocation?,
        tell: @escaping () -> String?, fail: @escaping (String) -> Void, message: String?, isBounded: Bool
    ) {
        // Nobody can wait for it any more.
        guard !live.isClosed else {
            if let message = tell() { fail(message) }
            return
        }
        let functions = live.generation.script.spawned
        if case .returned(let stack, let count) = outcome {
            functions.keepResults(count, of: spawned, on: stack)
        } else {
            let raised = (spawned.runner as? Invocation)?.raised(outcome)
            functions.keepFailure(message ?? "", raised: raised, of: spawned)
        }
        let waiters = spawned.waiters
        spawned.waiters = []
        guard waiters.isEmpty else {
            spawned.isClaimed = true
            return runQueue.later {
                for waiter in waiters { waiter.resume() }
                functions.forget(spawned)
            }
        }
        guard let message else { return functions.forget(spawned) }
        guard let spawner, !spawner.hasEnded else {
            _ = tell()
            fail(message)
            return functions.forget(spawned)
        }
        keep(spawned, of: spawner, in: functions, tell: { _ = tell() }, fail: { fail(message) }, isBounded: isBounded)
    }

    /// Whoever spawned it may be about to wait for it, and then decides what becomes of the failure.
    private func keep(
        _ spawned: SpawnedFunction, of spawner: Invocation, in functions: SpawnedFunctions, tell: @escaping () -> Void,
        fail: @escaping () -> Void, isBounded: Bool
    ) {
        var isTold = false
        func tellOnce() {
            if !isTold, !spawned.isClaimed { tell() }
            isTold = true
        }
        func end() {
            tellOnce()
            if !spawned.isClaimed { fail() }
            functions.forget(spawned)
        }
        spawner.unclaimed[spawned.identifier] = end
        let number = spawned.identifier
        _ = isolated.scheduleTask(in: Self.claimTime) { [weak spawner] in
            guard let spawner, spawner.unclaimed[number] != nil else { return }
            // A loop without an end keeps nothing for ever.
            if isBounded { tellOnce() } else { spawner.unclaimed.removeValue(forKey: number)?() }
        }
    }

    // MARK: handle:wait

    func waitForEnd(of spawned: SpawnedFunction, for invocation: Invocation, turn: Int, in script: ScriptContext) {
        if let runner = spawned.runner as? Invocation, isAwaited(invocation, by: runner) {
            return runQueue.later {
                self.resume(
                    invocation, turn: turn,
                    failing: "handle:wait would wait for itself: the function waits for the one that calls it")
            }
        }
        let waiter = ObjectIdentifier(invocation)
        spawned.waiters.append(
            (
                waiter,
                {
                    self.resume(invocation, turn: turn) { (stack) throws(LuaError) in
                        try script.spawned.pushOutcome(of: spawned, on: stack)
                    }
                }
            ))
        invocation.awaited = { [weak spawned] in (spawned?.runner as? Invocation).map { [$0] } ?? [] }
        invocation.cancelWait = { spawned.waiters.removeAll { $0.waiter == waiter } }
    }

    /// Whether an invocation is the other one, or what it waits for is.
    private func isAwaited(_ target: Invocation, by first: Invocation) -> Bool {
        var open = [first]
        var seen: Set<ObjectIdentifier> = []
        while let next = open.popLast() {
            if next === target { return true }
            if seen.insert(ObjectIdentifier(next)).inserted { open += next.awaited?() ?? [] }
        }
        return false
    }

    // MARK: gather

    /// Functions under way for one call of `agenthost.gather`.
    private final class Gathering {
        /// The table of first results.
        let results: LuaReference
        var left: Int
        /// The caller knows what it came to, or is gone.
        var isOver = false
        var isClosed = false
        var invocations: [Invocation] = []

        init(results: LuaReference, left: Int) {
            self.results = results
            self.left = left
        }
    }

    /// The functions begin in order and run beside one another. The first failure ends the others where they wait, and so
    /// does the end of the caller.
    func gather(_ functions: [LuaReference], for caller: Invocation, turn: Int) {
        let live = caller.generation
        let main = live.generation.state.stack
        main.newTable(array: Int32(clamping: functions.count))
        main.markArray(at: -1)
        let gathering = Gathering(results: main.reference(), left: functions.count)
        caller.awaited = { gathering.invocations.filter { !$0.hasEnded } }
        caller.cancelWait = { [weak live] in
            gathering.isOver = true
            guard let live, !live.isClosed else { return }
            self.runQueue.later { self.close(gathering, of: live) {} }
        }
        for (index, function) in functions.enumerated() {
            caller.scope.beginBackground()
            live.enter()
            runQueue.laterInTurn { [self] in
                defer { caller.scope.endBackground() }
                live.leave()
                guard !live.isClosed else { return }
                begin(function, at: index + 1, in: gathering, for: caller, turn: turn)
                if !live.isClosed { live.generation.state.stack.release(function) }
            }
        }
    }

    private func begin(
        _ function: LuaReference, at position: Int, in gathering: Gathering, for caller: Invocation, turn: Int
    ) {
        guard !gathering.isOver else { return }
        let live = caller.generation
        let slot = slots[live.generation.agentIndex]
        let name = HandlerName.spawned(in: caller.name)
        weak var own: Invocation?
        run(
            function, of: live, scope: caller.scope, depth: caller.depth, name: name,
            timeLimit: timeLimit(of: caller.scope, in: slot), isBackground: true, arguments: { _ in 0 },
            begun: {
                gathering.invocations.append($0)
                own = $0
            },
            finish: { [self] outcome in
                guard !gathering.isOver, !live.isClosed else { return }
                if case .returned(let stack, let count) = outcome {
                    stack.push(gathering.results)
                    if count > 0 { stack.pushValue(at: -1 - count) } else { stack.pushNil() }
                    stack.setIndex(position, of: -2)
                    stack.pop()
                    gathering.left -= 1
                    if gathering.left > 0 { return }
                }
                gathering.isOver = true
                let failure = outcome.failure(of: name, limit: slot.settings.taskTimeout)
                let raised = own?.raised(outcome).map { stack in
                    stack.pushValue(at: -1)
                    return stack.reference()
                }
                runQueue.later {
                    self.close(gathering, of: live) {
                        self.resume(caller, turn: turn) { stack in
                            guard let failure else {
                                stack.push(gathering.results)
                                return 1
                            }
                            stack.pushNil()
                            if let raised { stack.push(raised) } else { stack.push(failure) }
                            return 2
                        }
                    }
                    if let raised, !live.isClosed { live.generation.state.stack.release(raised) }
                }
            })
    }

    /// Ends what still waits, and does the rest.
    private func close(_ gathering: Gathering, of live: LiveGeneration, _ rest: () -> Void) {
        guard !live.isClosed, !gathering.isClosed else { return }
        gathering.isClosed = true
        for invocation in gathering.invocations { end(invocation, .ended) }
        gathering.invocations = []
        rest()
        if !live.isClosed { live.generation.state.stack.release(gathering.results) }
    }
}
