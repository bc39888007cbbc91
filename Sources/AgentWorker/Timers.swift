import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// `agent:every` and `agent:after`. Confined to its loop.
final class Timers {
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

    /// The next run of a timer: `every` again one interval after the run before has ended, so that runs never overlap.
    func start(_ timer: ScriptTimer, of live: LiveGeneration) {
        guard !timer.isCancelled, !live.isRetired else { return }
        let slot = slots[live.generation.agentIndex]
        let name = HandlerName.function(timer.repeats ? "agent:every" : "agent:after")
        let scheduled = loop.isolated.scheduleTask(in: .nanoseconds(Int64(timer.interval * 1e9))) { [self, weak live] in
            guard let live, !live.isRetired else { return }
            runQueue.laterInTurn { slot.whenOpen { self.fire(timer, name, of: live, in: slot) } }
            runQueue.drain()
        }
        live.hold(scheduled, for: timer)
    }

    private func fire(_ timer: ScriptTimer, _ name: HandlerName, of live: LiveGeneration, in slot: AgentSlot) {
        guard !timer.isCancelled, !live.isRetired else { return }
        let scope = log.looseScope(of: slot)
        invoker.run(
            timer.function, of: live, scope: scope, name: name, timeLimit: nil, arguments: { _ in 0 },
            finish: { [self] outcome in
                _ = log.failure(outcome, of: live, in: slot, handler: name, scope: scope)
                if timer.repeats { start(timer, of: live) } else { live.forget(timer) }
            })
    }
}
