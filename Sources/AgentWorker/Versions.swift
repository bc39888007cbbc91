import AgentModel
import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore

/// The change from one version of an agent to the next: the candidate is swapped in by a `VersionSwap`, and the one before is
/// drained. `Rollout` has the order of it all over the workers of a host. Confined to its loop.
final class Versions {
    /// How long a moment without a handler in flight is waited for before the state is copied (contract section 6,
    /// promise 6).
    private static let patience = TimeAmount.seconds(1)
    /// How long the `on_start` functions of a version may take together.
    private static let startSeconds: Int64 = 30

    private let loop: any EventLoop
    private let slots: [AgentSlot]
    private let candidates: Candidates
    private let lifeFunctions: LifeFunctions
    private let runQueue: RunQueue
    private let lanes: Lanes
    private let tasks: TaskQueue
    private let timers: Timers
    private let drain: Drain
    private let log: HandlerLog

    init(
        loop: any EventLoop, slots: [AgentSlot], candidates: Candidates, lifeFunctions: LifeFunctions,
        runQueue: RunQueue, lanes: Lanes, tasks: TaskQueue, timers: Timers, drain: Drain, log: HandlerLog
    ) {
        self.loop = loop
        self.slots = slots
        self.candidates = candidates
        self.lifeFunctions = lifeFunctions
        self.runQueue = runQueue
        self.lanes = lanes
        self.tasks = tasks
        self.timers = timers
        self.drain = drain
        self.log = log
    }

    // MARK: The swap

    /// From now on nothing of the agent begins. At a moment without a handler in flight, if one comes within a second,
    /// the state is copied, and the candidate's `on_start` functions run on the copy. Completes when the candidate is
    /// ready for `commitSwap`; fails when it cannot be, and the version before has gone on then.
    func beginSwap(agent: Int) -> EventLoopFuture<Void> {
        let slot = slots[agent]
        guard slot.candidate != nil else { return loop.makeFailedFuture(ScriptFailure("nothing was loaded")) }
        guard drain.takesMessages else { return loop.makeFailedFuture(ScriptFailure("the host is stopping")) }
        let promise = loop.makePromise(of: Void.self)
        slot.swap = AgentSlot.Swap(promise: promise, began: loop.now)
        slot.swap?.patience = loop.isolated.scheduleTask(in: Self.patience) { self.advance(slot, .patienceEnded) }
        lookForQuiet(slot)
        return promise.futureResult
    }

    /// Puts the candidate in service: its routes (`swapped`), its timers, and what waited meanwhile.
    func commitSwap(agent: Int, swapped: @escaping () -> Void) {
        slots[agent].swap?.swapped = swapped
        advance(slots[agent], .commit)
    }

    /// Frees the candidate, whatever has become of it; the version before goes on. Does nothing without a candidate.
    func abandonSwap(agent: Int, because failure: ScriptFailure) {
        advance(slots[agent], .abandon(failure))
        candidates.discard(agent: agent)
    }

    /// Never in the turn that ended a handler, which is still on the stack then; and what handlers put off has to run.
    private func lookForQuiet(_ slot: AgentSlot) {
        guard let swap = slot.swap, swap.machine.phase == .quieting else { return }
        let isQuiet = slot.live?.isQuiet(after: swap.began) ?? true
        if isQuiet, runQueue.mayRunNow { return advance(slot, .looked(isQuiet: true)) }
        if isQuiet {
            loop.isolated.execute { self.lookForQuiet(slot) }
        } else {
            slot.live?.afterNextRelease { self.loop.isolated.execute { self.lookForQuiet(slot) } }
        }
    }

    private func advance(_ slot: AgentSlot, _ event: VersionSwap.Event) {
        guard let swap = slot.swap else { return }
        switch swap.machine.handle(event) {
        case .none: break
        case .start: start(swap, in: slot)
        case .announce: swap.promise.succeed(())
        case .serve:
            serveCandidate(of: slot, swap)
            open(slot, isReloaded: true)
        case .restore(let failure):
            swap.patience?.cancel()
            candidates.discard(agent: slot.index)
            open(slot, isReloaded: false)
            // Too late where this worker was ready and another was not.
            swap.promise.fail(failure)
        }
    }

    /// What waited for the swap begins, by the version that is in service now.
    private func open(_ slot: AgentSlot, isReloaded: Bool) {
        slot.swap = nil
        for work in slot.takeHeld() { runQueue.later(work) }
        if isReloaded { lanes.restart(of: slot) }
        lanes.pump(of: slot)
        tasks.beginQueued(of: slot)
    }

    private func start(_ swap: AgentSlot.Swap, in slot: AgentSlot) {
        swap.patience?.cancel()
        guard let candidate = slot.candidate else {
            return advance(slot, .started(ScriptFailure("nothing was loaded")))
        }
        if let old = slot.live {
            if !old.isIdle {
                log.logger.warning(
                    "reloading while handlers still run; what they change in agent.state from now on is not taken over",
                    metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            }
            do throws(ScriptFailure) {
                let lost = try candidate.generation.adoptState(of: old.generation)
                if let lost {
                    log.logger.warning(
                        "agent.state holds what a reload cannot keep: it takes over plain data only",
                        metadata: ["agent": "\(slot.interface?.name ?? "")", "lost": "\(lost)"])
                }
            } catch {
                return advance(slot, .started(error))
            }
        }
        let starts = lifeFunctions.run(
            candidate.generation.handlers.start, of: candidate, slot: slot, name: "on_start",
            seconds: Self.startSeconds, since: loop.now)
        starts.assumeIsolated().whenComplete { result in
            // Not on the stack of the function that has ended: its Lua state may be freed.
            self.runQueue.later { self.advance(slot, .started(result.scriptFailure)) }
            self.runQueue.drain()
        }
    }

    private func serveCandidate(of slot: AgentSlot, _ swap: AgentSlot.Swap) {
        guard let candidate = slot.candidate else { return }
        slot.candidate = nil
        let old = slot.live
        if let old {
            old.retire()
            slot.draining.append(old)
        }
        slot.serve(candidate)
        swap.swapped()
        for timer in candidate.beginTimers() { timers.start(timer, of: candidate) }
        if let old { closeWhenIdle(old, in: slot) }
    }

    // MARK: Draining

    /// Runs the `on_stop` functions of a replaced version once its handlers have ended, and closes it once nothing of it
    /// waits any more; at the latest after 30 s.
    private func closeWhenIdle(_ old: LiveGeneration, in slot: AgentSlot) {
        var hasStopped = false
        func stop() -> EventLoopFuture<Void>.Isolated {
            defer { hasStopped = true }
            let functions = hasStopped ? [] : old.generation.handlers.stop
            return lifeFunctions.run(functions, of: old, slot: slot, name: "on_stop", seconds: 5, since: loop.now)
                .assumeIsolated()
        }
        let forced = loop.isolated.scheduleTask(in: .seconds(30)) { [self] in
            log.logger.warning(
                "ending what a replaced version still ran after 30 s",
                metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            stop().whenComplete { _ in self.loop.isolated.execute { self.runQueue.goOn { self.close(old, in: slot) } } }
        }
        // Not in the turn that ended its last handler: that one is still on the stack. And until the next turn, what it
        // put off may begin to wait.
        func look() {
            guard !old.isClosed else { return }
            if old.hasOnlyBackground, runQueue.isEmpty, !hasStopped {
                stop().whenComplete { _ in self.loop.isolated.execute(look) }
            } else if old.isIdle, runQueue.isEmpty {
                forced.cancel()
                close(old, in: slot)
            } else if old.isIdle {
                loop.isolated.execute(look)
            } else {
                old.afterNextRelease { self.loop.isolated.execute(look) }
            }
        }
        loop.isolated.execute(look)
    }

    private func close(_ old: LiveGeneration, in slot: AgentSlot) {
        old.close()
        slot.draining.removeAll { $0 === old }
        drain.look()
    }
}

extension Result where Failure == any Error {
    /// Why it failed, in the words of a script's failure.
    var scriptFailure: ScriptFailure? {
        guard case .failure(let error) = self else { return nil }
        return ScriptFailure(describing: error)
    }
}
