package import AgentModel
package import AgentScript
import Foundation
import LuaRuntime
import Logging
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
                    self.slots[agent].candidate = LiveGeneration(loaded)
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
        _ functions: [LuaReference], of live: LiveGeneration, slot: AgentSlot, name: String, timeLimit: Double
    ) -> EventLoopFuture<Void> {
        guard let function = functions.first else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        run(
            function, of: live, scope: PromiseScope(promise), name: name, timeLimit: timeLimit, arguments: { _ in 0 },
            finish: { outcome in
                switch outcome {
                case .returned: break
                case .failed(let error):
                    self.report(error, in: slot, handler: name)
                    promise.fail(ScriptFailure(error))
                case .timedOut:
                    promise.fail(ScriptFailure("\(live.generation.snapshot.name): \(name) waited longer than \(timeLimit) s"))
                }
            })
        // on_start settles with its effects, but does not wait for a broker that is away.
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
        guard let old else { return }
        let forced = isolated.scheduleTask(in: .seconds(30)) { [self] in
            logger.warning(
                "ending what a replaced version still ran after 30 s",
                metadata: ["handlers": "\(old.waitingNames.joined(separator: ", "))"])
            old.close()
            slot.draining.removeAll { $0 === old }
        }
        old.whenIdle { [self] in
            // Not in the turn that ended its last handler: that one is still on the stack.
            isolated.execute {
                guard old.isIdle, !old.isClosed else { return }
                forced.cancel()
                old.close()
                slot.draining.removeAll { $0 === old }
            }
        }
    }

    /// Bytes that the Lua states of an agent occupy on this worker.
    package func memoryInUse(agent: Int) -> Int {
        loop.preconditionInEventLoop()
        return slots[agent].live?.generation.state.memoryInUse ?? 0
    }

    /// What the generation in service subscribes to.
    package func subscriptions(agent: Int) -> Subscriptions {
        loop.preconditionInEventLoop()
        guard let live = slots[agent].live else { return Subscriptions() }
        return Subscriptions(live.generation.handlers, slots[agent].settings)
    }
}

/// Completes a promise once the handler has returned and its effects are under way.
private final class PromiseScope: EffectScope {
    private let promise: EventLoopPromise<Void>
    private var isDone = false

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    override func settled(_ failure: DeliveryFailure?) {
        guard !isDone else { return }
        isDone = true
        promise.succeed(())
    }
}

extension Worker {
    /// What the candidate declares, a line each.
    package func describeCandidate(agent: Int) -> (Subscriptions, [String]) {
        loop.preconditionInEventLoop()
        guard let generation = slots[agent].candidate?.generation, let declaration = generation.declaration else {
            return (Subscriptions(), [])
        }
        let interface = declaration.interface
        let handlers = generation.handlers
        var lines = ["\(interface.isRealtime ? "realtime agent" : "agent") \(interface.name)  version \(generation.version)"]
        lines += interface.endpoints.map { "  endpoint   \($0.method) \($0.path)  task \($0.taskType)" }
        lines += interface.websocketEndpoints.map {
            "  websocket  \($0.path)" + ($0.isRaw ? "  raw" : $0.autoSubscribe.isEmpty ? "" : "  topics \($0.autoSubscribe.joined(separator: ", "))")
        }
        lines += interface.streamingEndpoints.map { "  stream     \($0.path)  topic \($0.topic)" }
        lines += handlers.tasks.keys.sorted().map { "  task       \($0)" }
        lines += handlers.messages.map {
            "  topic      \($0.filter.text)  \($0.source?.rawValue ?? "kafka, mqtt")  attempts \($0.attempts), then \($0.onError.rawValue)"
        }
        lines += declaration.settings.streamingTopics.map { "  topic      \($0)  kafka, to events" }
        lines += declaration.settings.mqttTopics.map { "  topic      \($0)  mqtt, to events" }
        lines += handlers.events.keys.sorted().map { "  event      \($0)" }
        lines += handlers.websocket.keys.sorted().map { "  message    \($0)" }
        lines += handlers.timers.map { "  timer      \($0.repeats ? "every" : "after") \($0.interval) s" }
        return (Subscriptions(handlers, declaration.settings), lines)
    }
}
