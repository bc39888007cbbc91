package import AgentModel
package import AgentScript
import Foundation
import Logging
import LuaRuntime
package import NIOCore

/// Whole versions: loaded beside the one in service, started, swapped in, drained.
extension Worker {
    /// Loads a script as the agent's candidate. The script runs on a thread of its own: a main chunk that takes its
    /// time keeps nobody waiting. May be called from any thread.
    package func load(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int,
        settings: @escaping @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    ) -> EventLoopFuture<AgentInterface> {
        let promise = loop.makePromise(of: AgentInterface.self)
        let thread = Thread { [self] in
            do throws(ScriptFailure) {
                let generation = try Generation(
                    snapshot: snapshot, agentIndex: agent, number: number, limits: limits, host: self, eventLoop: loop,
                    settings: settings)
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

    /// Gives the candidate a first copy of the state and runs its `on_start` functions.
    package func startCandidate(agent: Int) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let slot = slots[agent]
        guard let candidate = slot.candidate else {
            return loop.makeFailedFuture(ScriptFailure("nothing was loaded"))
        }
        do throws(ScriptFailure) {
            if let old = slot.live { try candidate.generation.adoptState(of: old.generation) }
        } catch {
            return loop.makeFailedFuture(error)
        }
        return runAll(candidate.generation.handlers.start, of: candidate, slot: slot, name: "on_start", timeLimit: 30)
    }

    /// Runs functions one after another; the first error ends it.
    func runAll(
        _ functions: [LuaReference], of live: LiveGeneration, slot: AgentSlot, name: StaticString, timeLimit: Double
    ) -> EventLoopFuture<Void> {
        guard let function = functions.first else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        let file = live.generation.snapshot.name
        // What it sends is under way then: a broker that is away holds up no start. Nor does a spawned function.
        let scope = looseScope(slot)
        run(
            function, of: live, scope: scope, name: .function(name), timeLimit: timeLimit,
            arguments: { _ in 0 },
            finish: { outcome in
                switch outcome {
                case .returned: promise.succeed(())
                case .failed(let error):
                    self.report(
                        error.message, traceback: error.traceback, of: live, handler: .function(name), scope: scope)
                    promise.fail(ScriptFailure(error))
                case .timedOut, .ended:
                    let what = outcome.failure(of: .function(name), limit: timeLimit) ?? ""
                    promise.fail(ScriptFailure("\(file): \(what)"))
                }
            })
        let rest = Array(functions.dropFirst())
        return promise.futureResult.assumeIsolated()
            .flatMap { self.runAll(rest, of: live, slot: slot, name: name, timeLimit: timeLimit) }.nonisolated()
    }

    package func discardCandidate(agent: Int) {
        loop.preconditionInEventLoop()
        slots[agent].candidate?.close()
        slots[agent].candidate = nil
    }

    /// Puts the candidate in service at a moment without a handler that waits, if one comes within `patience`; else
    /// names those that still run. `swapped` runs in the same turn of the loop.
    package func activate(
        agent: Int, patience: TimeAmount = .seconds(1), swapped: @escaping () -> Void
    ) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        guard slots[agent].candidate != nil else { return loop.makeFailedFuture(ScriptFailure("nothing was loaded")) }
        let promise = loop.makePromise(of: Void.self)
        guard let old = slots[agent].live else {
            swap(agent: agent, old: nil, swapped: swapped)
            promise.succeed(())
            return promise.futureResult
        }
        var isSwapped = false
        let swapOnce = { [self] in
            guard !isSwapped else { return }
            isSwapped = true
            if !old.isIdle {
                logger.warning(
                    "reloading while handlers still run; what they change in agent.state from now on is not taken over",
                    metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            }
            swap(agent: agent, old: old, swapped: swapped)
            promise.succeed(())
        }
        let timer = isolated.scheduleTask(in: patience) { swapOnce() }
        old.whenIdle {
            timer.cancel()
            swapOnce()
        }
        return promise.futureResult
    }

    private func swap(agent: Int, old: LiveGeneration?, swapped: () -> Void) {
        let slot = slots[agent]
        guard let candidate = slot.candidate else { return }
        slot.candidate = nil
        if let old {
            do throws(ScriptFailure) {
                try candidate.generation.adoptState(of: old.generation)
            } catch {
                // It could be copied a moment ago, when the candidate was started: that copy stands.
                logger.error("agent.state could not be copied at the swap", metadata: ["error": "\(error)"])
            }
            old.retire()
            slot.draining.append(old)
        }
        slot.serve(candidate)
        swapped()
        for timer in candidate.generation.handlers.timers { start(timer, of: candidate) }
        restartLanes(of: slot)
        if let old { closeWhenIdle(old, in: slot) }
    }

    /// Closes a replaced version once nothing of it waits any more, at the latest after 30 s.
    private func closeWhenIdle(_ old: LiveGeneration, in slot: AgentSlot) {
        let forced = isolated.scheduleTask(in: .seconds(30)) { [self] in
            logger.warning(
                "ending what a replaced version still ran after 30 s",
                metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            goOn { close(old, in: slot) }
        }
        func wait() {
            old.whenIdle { [self] in
                // Not in the turn that ended its last handler: that one is still on the stack. And until the next turn,
                // what it put off may begin to wait.
                isolated.execute { [self] in
                    guard !old.isClosed else { return }
                    guard old.isIdle, runQueue.isEmpty else { return wait() }
                    forced.cancel()
                    close(old, in: slot)
                }
            }
        }
        wait()
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
