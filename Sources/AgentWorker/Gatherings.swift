import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// `agenthost.gather`: functions that run beside one another while their caller waits. Confined to its loop.
final class Gatherings {
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

    private let slots: [AgentSlot]
    private let invoker: Invoker
    private let runQueue: RunQueue

    init(slots: [AgentSlot], invoker: Invoker, runQueue: RunQueue) {
        self.slots = slots
        self.invoker = invoker
        self.runQueue = runQueue
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
        invoker.run(
            function, of: live, scope: caller.scope, depth: caller.depth, name: name,
            timeLimit: caller.scope.owner.isBounded ? slot.settings.taskTimeout : nil, isBackground: true,
            arguments: { _ in 0 },
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
                        self.invoker.resume(caller, turn: turn) { stack in
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
        for invocation in gathering.invocations { invoker.end(invocation, .ended) }
        gathering.invocations = []
        rest()
        if !live.isClosed { live.generation.state.stack.release(gathering.results) }
    }
}
