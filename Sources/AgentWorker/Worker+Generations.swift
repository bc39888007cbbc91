package import AgentModel
package import AgentScript
import Delivery
import Foundation
import Logging
package import LuaRuntime
package import NIOCore

/// Whole versions on one worker: loaded beside the one in service, swapped in by a `VersionSwap`, drained. `Rollout` has
/// the order of it all over the workers of a host.
extension Worker {
    /// How long a moment without a handler in flight is waited for before the state is copied (contract section 6,
    /// promise 6).
    private static let patience = TimeAmount.seconds(1)
    /// How long the `on_start` functions of a version may take together.
    private static let startSeconds: Int64 = 30

    /// Loads a script as the agent's candidate. The script runs on a thread of its own: a main chunk that takes its
    /// time keeps nobody waiting. May be called from any thread.
    package func load(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int, interrupt: LuaInterrupt? = nil,
        settings: @escaping @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    ) -> EventLoopFuture<AgentInterface> {
        let promise = loop.makePromise(of: AgentInterface.self)
        let thread = Thread { [self] in
            do throws(ScriptFailure) {
                let generation = try Generation(
                    snapshot: snapshot, agentIndex: agent, number: number, limits: limits, host: self, eventLoop: loop,
                    interrupt: interrupt, settings: settings)
                let interface = try generation.interface
                // From here on the generation is the loop's alone.
                nonisolated(unsafe) let loaded = generation
                loop.execute {
                    self.discardCandidate(agent: agent)
                    self.slots[agent].candidate = LiveGeneration(loaded, metrics: self.metrics)
                    promise.succeed(interface)
                }
            } catch {
                promise.fail(error)
            }
        }
        thread.stackSize = 8 << 20
        thread.name = "load \(snapshot.name)"
        thread.start()
        return promise.futureResult
    }

    package func discardCandidate(agent: Int) {
        loop.preconditionInEventLoop()
        slots[agent].candidate?.close()
        slots[agent].candidate = nil
    }

    // MARK: The swap

    /// From now on nothing of the agent begins. At a moment without a handler in flight, if one comes within a second,
    /// the state is copied, and the candidate's `on_start` functions run on the copy. Completes when the candidate is
    /// ready for `commitSwap`; fails when it cannot be, and the version before has gone on then.
    package func beginSwap(agent: Int) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let slot = slots[agent]
        guard slot.candidate != nil else { return loop.makeFailedFuture(ScriptFailure("nothing was loaded")) }
        guard takesMessages else { return loop.makeFailedFuture(ScriptFailure("the host is stopping")) }
        let promise = loop.makePromise(of: Void.self)
        slot.swap = AgentSlot.Swap(promise: promise, began: loop.now)
        slot.swap?.patience = isolated.scheduleTask(in: Self.patience) { self.advance(slot, .patienceEnded) }
        lookForQuiet(slot)
        return promise.futureResult
    }

    /// Puts the candidate in service: its routes (`swapped`), its timers, and what waited meanwhile.
    package func commitSwap(agent: Int, swapped: @escaping () -> Void) {
        loop.preconditionInEventLoop()
        slots[agent].swap?.swapped = swapped
        advance(slots[agent], .commit)
    }

    /// Frees the candidate, whatever has become of it; the version before goes on. Does nothing without a candidate.
    package func abandonSwap(agent: Int, because failure: ScriptFailure) {
        loop.preconditionInEventLoop()
        advance(slots[agent], .abandon(failure))
        discardCandidate(agent: agent)
    }

    /// Never in the turn that ended a handler, which is still on the stack then; and what handlers put off has to run.
    private func lookForQuiet(_ slot: AgentSlot) {
        guard let swap = slot.swap, swap.machine.phase == .quieting else { return }
        let isQuiet = slot.live?.isQuiet(after: swap.began) ?? true
        if isQuiet, runQueue.mayRunNow { return advance(slot, .looked(isQuiet: true)) }
        if isQuiet {
            isolated.execute { self.lookForQuiet(slot) }
        } else {
            slot.live?.afterNextRelease { self.isolated.execute { self.lookForQuiet(slot) } }
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
            discardCandidate(agent: slot.index)
            open(slot, isReloaded: false)
            // Too late where this worker was ready and another was not.
            swap.promise.fail(failure)
        }
    }

    /// What waited for the swap begins, by the version that is in service now.
    private func open(_ slot: AgentSlot, isReloaded: Bool) {
        slot.swap = nil
        for work in slot.takeHeld() { runQueue.later(work) }
        if isReloaded { restartLanes(of: slot) }
        pumpLanes(of: slot)
        beginQueuedTasks(of: slot)
    }

    private func start(_ swap: AgentSlot.Swap, in slot: AgentSlot) {
        swap.patience?.cancel()
        guard let candidate = slot.candidate else {
            return advance(slot, .started(ScriptFailure("nothing was loaded")))
        }
        if let old = slot.live {
            if !old.isIdle {
                logger.warning(
                    "reloading while handlers still run; what they change in agent.state from now on is not taken over",
                    metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            }
            do throws(ScriptFailure) {
                let lost = try candidate.generation.adoptState(of: old.generation)
                if let lost {
                    logger.warning(
                        "agent.state holds what a reload cannot keep: it takes over plain data only",
                        metadata: ["agent": "\(slot.interface?.name ?? "")", "lost": "\(lost)"])
                }
            } catch {
                return advance(slot, .started(error))
            }
        }
        let starts = runAll(
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
        for timer in candidate.beginTimers() { start(timer, of: candidate) }
        if let old { closeWhenIdle(old, in: slot) }
    }

    /// Runs functions one after another, together for at most so many seconds; the first error ends it.
    func runAll(
        _ functions: [LuaReference], of live: LiveGeneration, slot: AgentSlot, name: StaticString, seconds: Int64,
        since began: NIODeadline
    ) -> EventLoopFuture<Void> {
        guard let function = functions.first else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        let file = live.generation.snapshot.name
        // What it sends is under way then: a broker that is away holds up no start. Nor does a spawned function.
        let scope = looseScope(slot)
        let left = Double(seconds) - Double((loop.now - began).nanoseconds) / 1e9
        guard left > 0 else {
            return loop.makeFailedFuture(
                ScriptFailure("\(file): \(name) functions took longer than \(seconds) s together"))
        }
        run(
            function, of: live, scope: scope, name: .function(name), timeLimit: left,
            arguments: { _ in 0 },
            finish: { [self] outcome in
                switch outcome {
                case .returned: promise.succeed(())
                case .failed(let error):
                    report(error.message, traceback: error.traceback, of: live, handler: .function(name), scope: scope)
                    promise.fail(ScriptFailure(error))
                case .timedOut, .ended, .cutOff:
                    let what = outcome.failure(of: .function(name), limit: Double(seconds)) ?? ""
                    promise.fail(ScriptFailure("\(file): \(what)"))
                }
            })
        let rest = Array(functions.dropFirst())
        return promise.futureResult.assumeIsolated()
            .flatMap { () -> EventLoopFuture<Void> in
                guard !rest.isEmpty else { return self.loop.makeSucceededVoidFuture() }
                let done = self.loop.makePromise(of: Void.self)
                self.runQueue.laterInTurn {
                    self.runAll(rest, of: live, slot: slot, name: name, seconds: seconds, since: began)
                        .cascade(to: done)
                }
                self.runQueue.drain()
                return done.futureResult
            }.nonisolated()
    }

    // MARK: Draining

    /// Runs the `on_stop` functions of a replaced version once its handlers have ended, and closes it once nothing of it
    /// waits any more; at the latest after 30 s.
    private func closeWhenIdle(_ old: LiveGeneration, in slot: AgentSlot) {
        var hasStopped = false
        func stop() -> EventLoopFuture<Void>.Isolated {
            defer { hasStopped = true }
            let functions = hasStopped ? [] : old.generation.handlers.stop
            return runAll(functions, of: old, slot: slot, name: "on_stop", seconds: 5, since: loop.now).assumeIsolated()
        }
        let forced = isolated.scheduleTask(in: .seconds(30)) { [self] in
            logger.warning(
                "ending what a replaced version still ran after 30 s",
                metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            stop().whenComplete { _ in self.isolated.execute { self.runQueue.goOn { self.close(old, in: slot) } } }
        }
        // Not in the turn that ended its last handler: that one is still on the stack. And until the next turn, what it
        // put off may begin to wait.
        func look() {
            guard !old.isClosed else { return }
            if old.hasOnlyBackground, runQueue.isEmpty, !hasStopped {
                stop().whenComplete { _ in self.isolated.execute(look) }
            } else if old.isIdle, runQueue.isEmpty {
                forced.cancel()
                close(old, in: slot)
            } else if old.isIdle {
                isolated.execute(look)
            } else {
                old.afterNextRelease { self.isolated.execute(look) }
            }
        }
        isolated.execute(look)
    }

    private func close(_ old: LiveGeneration, in slot: AgentSlot) {
        old.close()
        slot.draining.removeAll { $0 === old }
        if state == .stopping { announceDrained() }
    }

    /// What the generation in service subscribes to.
    package func subscriptions(agent: Int) -> Subscriptions {
        loop.preconditionInEventLoop()
        guard let live = slots[agent].live else { return Subscriptions() }
        return Subscriptions(live.generation.handlers, slots[agent].settings, live.generation.snapshot)
    }
}

extension Result where Failure == any Error {
    /// Why it failed, in the words of a script's failure.
    var scriptFailure: ScriptFailure? {
        guard case .failure(let error) = self else { return nil }
        return ScriptFailure(describing: error)
    }
}
