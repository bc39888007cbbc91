import AgentModel
import AgentScript
import Foundation
import LuaRuntime
import NIOCore

/// Versions that are loaded beside the one in service, and what versions declare. Confined to its loop, but for `load`.
final class Candidates: @unchecked Sendable {
    private let loop: any EventLoop
    private let slots: [AgentSlot]
    private let limits: LuaLimits
    private let observer: (any RunObserver)?
    private let host: ScriptSide

    init(
        loop: any EventLoop, slots: [AgentSlot], limits: LuaLimits, observer: (any RunObserver)?, host: ScriptSide
    ) {
        self.loop = loop
        self.slots = slots
        self.limits = limits
        self.observer = observer
        self.host = host
    }

    /// Loads a script as the agent's candidate. The script runs on a thread of its own: a main chunk that takes its
    /// time keeps nobody waiting. May be called from any thread.
    func load(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int, interrupt: LuaInterrupt? = nil,
        settings: @escaping @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    ) -> EventLoopFuture<AgentInterface> {
        let promise = loop.makePromise(of: AgentInterface.self)
        let thread = Thread { [self] in
            do throws(ScriptFailure) {
                let generation = try Generation(
                    snapshot: snapshot, agentIndex: agent, number: number, limits: limits, host: host, eventLoop: loop,
                    interrupt: interrupt, settings: settings)
                let interface = try generation.interface
                // From here on the generation is the loop's alone.
                nonisolated(unsafe) let loaded = generation
                loop.execute {
                    self.discard(agent: agent)
                    self.slots[agent].candidate = LiveGeneration(loaded, observer: self.observer)
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

    /// `load` without a thread of its own: the script has run when it returns. `prepare` sees the generation before it
    /// becomes the candidate.
    func loadDirectly(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int,
        settings: @escaping (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings,
        prepare: (Generation) throws(ScriptFailure) -> Void = { _ in }
    ) -> EventLoopFuture<AgentInterface> {
        do throws(ScriptFailure) {
            let generation = try Generation(
                snapshot: snapshot, agentIndex: agent, number: number, limits: limits, host: host, eventLoop: loop,
                settings: settings)
            try prepare(generation)
            let interface = try generation.interface
            discard(agent: agent)
            slots[agent].candidate = LiveGeneration(generation, observer: observer)
            return loop.makeSucceededFuture(interface)
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    func discard(agent: Int) {
        slots[agent].candidate?.close()
        slots[agent].candidate = nil
    }

    // MARK: What versions declare

    /// What all candidates together want of brokers.
    func subscriptions() -> Subscriptions {
        return slots.reduce(into: Subscriptions()) { subscriptions, slot in
            guard let generation = slot.candidate?.generation, let declaration = generation.declaration else { return }
            subscriptions.formUnion(
                Subscriptions(
                    generation.handlers, declaration.settings, generation.snapshot, host.transports))
        }
    }

    /// What the candidate of an agent declares, or the version in service where there is no candidate.
    func description(agent: Int) -> AgentDescription? {
        let generation = slots[agent].candidate?.generation ?? slots[agent].live?.generation
        return generation.flatMap(AgentDescription.init)
    }

    /// What the agents in service declare.
    func descriptions() -> [AgentDescription] { slots.indices.compactMap { description(agent: $0) } }

    /// The generation in service.
    func generation(agent: Int) -> Generation? { slots[agent].live?.generation }

    /// What the generation in service subscribes to.
    func subscriptions(agent: Int) -> Subscriptions {
        guard let live = slots[agent].live else { return Subscriptions() }
        return Subscriptions(
            live.generation.handlers, slots[agent].settings, live.generation.snapshot, host.transports)
    }
}
