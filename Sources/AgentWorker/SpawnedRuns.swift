import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Functions that handlers run beside themselves: `agenthost.spawn`, and `handle:wait()`. What they send belongs to the
/// cause of the handler, which is done when they are. Confined to its loop.
final class SpawnedRuns {
    /// How long a function's failure waits to be logged for its spawner to wait for it.
    private static let claimTime = TimeAmount.seconds(1)

    private let loop: any EventLoop
    private let slots: [AgentSlot]
    private let invoker: Invoker
    private let runQueue: RunQueue
    private let log: HandlerLog

    init(loop: any EventLoop, slots: [AgentSlot], invoker: Invoker, runQueue: RunQueue, log: HandlerLog) {
        self.loop = loop
        self.slots = slots
        self.invoker = invoker
        self.runQueue = runQueue
        self.log = log
    }

    func spawn(
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
        let spawner = invoker.current(in: script)
        let scope = spawner?.scope ?? log.looseScope(of: slot)
        let name = HandlerName.spawned(in: spawner?.name)
        scope.beginBackground()
        live.enter()
        runQueue.laterInTurn { [self] in
            defer { scope.endBackground() }
            live.leave()
            guard !live.isClosed else {
                return scope.fail(DeliveryFailure("the script was replaced before its spawned function began"))
            }
            invoker.run(
                references[0], of: live, scope: scope, depth: spawner?.depth ?? 0, name: name,
                timeLimit: scope.owner.isBounded ? slot.settings.taskTimeout : nil, isBackground: true,
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
                        tell: { self.log.failure(outcome, of: live, in: slot, handler: name, scope: scope) },
                        fail: { scope.fail(DeliveryFailure($0)) },
                        message: outcome.failure(of: name, limit: slot.settings.taskTimeout),
                        isBounded: scope.owner.isBounded)
                })
        }
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
        _ = loop.isolated.scheduleTask(in: Self.claimTime) { [weak spawner] in
            guard let spawner, spawner.unclaimed[number] != nil else { return }
            // A loop without an end keeps nothing for ever.
            if isBounded { tellOnce() } else { spawner.unclaimed.removeValue(forKey: number)?() }
        }
    }

    // MARK: handle:wait

    func waitForEnd(of spawned: SpawnedFunction, for invocation: Invocation, turn: Int, in script: ScriptContext) {
        if let runner = spawned.runner as? Invocation, isAwaited(invocation, by: runner) {
            return runQueue.later {
                self.invoker.resume(
                    invocation, turn: turn,
                    failing: "handle:wait would wait for itself: the function waits for the one that calls it")
            }
        }
        let waiter = ObjectIdentifier(invocation)
        spawned.waiters.append(
            (
                waiter,
                {
                    self.invoker.resume(invocation, turn: turn) { (stack) throws(LuaError) in
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
}
