package import AgentModel
package import AgentScript
package import AgentWorker
package import Logging
import LuaRuntime
import NIOCore
import Synchronization

/// Keeps the agents of a host at the version that is saved: loads them at the start, and again when their files change.
/// Any failure before a swap leaves nothing but its report.
package actor Reloader {
    /// What the host does at the swap.
    package struct Hooks: Sendable {
        /// Checks the agents' routes against each other; throws what clashes.
        package var validate: @Sendable ([AgentInterface]) throws -> Void
        /// On a worker's loop, in the turn of the swap: the routes that hold from now on.
        package var swapped: @Sendable (Worker, [AgentInterface]) -> Void
        /// After the swap on all workers.
        package var subscribe: @Sendable (Subscriptions) -> Void

        package init(
            validate: @escaping @Sendable ([AgentInterface]) throws -> Void,
            swapped: @escaping @Sendable (Worker, [AgentInterface]) -> Void,
            subscribe: @escaping @Sendable (Subscriptions) -> Void
        ) {
            self.validate = validate
            self.swapped = swapped
            self.subscribe = subscribe
        }
    }

    private let sources: [@Sendable () -> ScriptSnapshot]
    private let workers: [Worker]
    private let statuses: [AgentStatus]
    private let settings: @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    private let hooks: Hooks
    private let logger: Logger
    /// The files of the last load that was tried, by agent: what a change is measured against.
    private var attempted: [ScriptSnapshot]
    private var numbers: [Int]
    private var interfaces: [AgentInterface?]
    private var subscriptions: [Subscriptions]
    /// The rollout of each agent that is not in service yet.
    private var rollouts: [Rollout?]
    private var running: Task<Void, Never>?
    /// Looks for what has changed once the reload under way is over.
    private var look: Task<Void, Never>?
    private var isStopped = false

    package init(
        sources: [@Sendable () -> ScriptSnapshot], workers: [Worker], statuses: [AgentStatus],
        settings: @escaping @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings, hooks: Hooks,
        logger: Logger
    ) {
        self.sources = sources
        self.workers = workers
        self.statuses = statuses
        self.settings = settings
        self.hooks = hooks
        self.logger = logger
        attempted = sources.map { $0() }
        numbers = sources.map { _ in 0 }
        interfaces = sources.map { _ in nil }
        subscriptions = sources.map { _ in Subscriptions() }
        rollouts = sources.map { _ in nil }
    }

    /// Absolute paths of everything that was read or looked for.
    package var files: Set<String> {
        attempted.reduce(into: []) { $0.formUnion($1.paths) }
    }

    /// Absolute paths of what was read.
    package var filesRead: [String] { attempted.flatMap(\.filesRead) }

    /// Whether a version is on its way into service whose files have been read.
    package var isLoading: Bool {
        rollouts.indices.contains { rollouts[$0] != nil && !attempted[$0].paths.isEmpty }
    }

    /// The first load of all agents: throws the first failure. Nothing is started yet.
    package func loadFirst() async throws -> [AgentInterface] {
        for agent in sources.indices {
            rollouts[agent] = rollout(of: attempted[agent], agent: agent)
            interfaces[agent] = try await rollouts[agent]?.load(validate: { _ in }).get()
        }
        let loaded = interfaces.compactMap { $0 }
        try hooks.validate(loaded)
        return loaded
    }

    /// Starts and puts in service what `loadFirst` loaded.
    package func activateFirst() async throws {
        for agent in sources.indices {
            guard let rollout = rollouts[agent], let interface = interfaces[agent] else { continue }
            try await swap(rollout, to: interface)
        }
    }

    /// Loads again the agents whose files have changed since they were last read. A version of these that is still on
    /// its way into service is given up: a newer one was saved.
    package func reloadChanged() async {
        abandonStale()
        if let look { return await look.value }
        let look = oneAfterAnother { reloader in await reloader.reloadStale() }
        self.look = look
        await look.value
    }

    /// No version comes into service any more; one on its way is given up. Call it before the workers drain.
    package func stop() {
        isStopped = true
        for rollout in rollouts { rollout?.abandon(because: ScriptFailure("the host is stopping")) }
    }

    private func abandonStale() {
        for agent in sources.indices where attempted[agent].isStale() {
            rollouts[agent]?.abandon(because: ScriptFailure("a newer version was saved"))
        }
    }

    private func reloadStale() async {
        look = nil
        for agent in sources.indices where attempted[agent].isStale() { await reload(agent) }
    }

    package func reloadAll() async {
        abandonStale()
        await oneAfterAnother { reloader in
            for agent in reloader.sources.indices { await reloader.reload(agent) }
        }.value
    }

    /// A reload that is asked for while another is under way begins when that one is over.
    private func oneAfterAnother(_ reload: @escaping @Sendable (Reloader) async -> Void) -> Task<Void, Never> {
        let earlier = running
        let task = Task {
            await earlier?.value
            await reload(self)
        }
        running = task
        return task
    }

    private func reload(_ agent: Int) async {
        guard !isStopped else { return }
        let snapshot = sources[agent]()
        attempted[agent] = snapshot
        let rollout = rollout(of: snapshot, agent: agent)
        rollouts[agent] = rollout
        defer { rollouts[agent] = nil }
        let interfaces = interfaces
        let hooks = hooks
        do {
            let interface = try await rollout.load { interface in
                var candidates = interfaces
                candidates[agent] = interface
                try hooks.validate(candidates.compactMap { $0 })
            }.get()
            try await swap(rollout, to: interface)
            statuses[agent].counters.reloads.wrappingAdd(1, ordering: .relaxed)
            logger.notice(
                "reloaded",
                metadata: [
                    "agent": "\(interface.name)", "file": "\(snapshot.path)", "version": "\(snapshot.version)",
                    "generation": .stringConvertible(numbers[agent]),
                ])
        } catch {
            let name = interfaces[agent]?.name ?? snapshot.name
            if let reason = rollout.abandonment {
                logger.notice("a load was given up", metadata: ["agent": "\(name)", "reason": "\(reason)"])
            } else {
                report(ScriptFailure(describing: error), of: snapshot, agent: agent)
            }
        }
    }

    private func report(_ failure: ScriptFailure, of snapshot: ScriptSnapshot, agent: Int) {
        let name = interfaces[agent]?.name ?? snapshot.name
        statuses[agent].reloadFailed(failure.message)
        statuses[agent].counters.failedReloads.wrappingAdd(1, ordering: .relaxed)
        logger.error(
            "the reload failed; the version before keeps serving",
            metadata: ["agent": "\(name)", "version": "\(snapshot.version)", "error": "\(failure.message)"])
    }

    private func rollout(of snapshot: ScriptSnapshot, agent: Int) -> Rollout {
        let interrupt = LuaInterrupt()
        let number = numbers[agent] + 1
        return Rollout(agent: agent, workers: workers, interrupt: interrupt) { [settings] worker in
            worker.load(snapshot, agent: agent, number: number, interrupt: interrupt, settings: settings)
        }
    }

    private func swap(_ rollout: Rollout, to interface: AgentInterface) async throws {
        let agent = rollout.agent
        var lineup = interfaces
        lineup[agent] = interface
        let served = lineup.compactMap { $0 }
        let hooks = hooks
        subscriptions[agent] = try await rollout.swap { hooks.swapped($0, served) }.get()
        if let earlier = interfaces[agent], earlier.name != interface.name {
            logger.warning(
                """
                \(interface.location): the agent "\(earlier.name)" is named "\(interface.name)" now; what is named after it \
                (consumer group, MQTT client, metrics) changes when the host is restarted
                """)
        }
        interfaces[agent] = interface
        rollouts[agent] = nil
        numbers[agent] += 1
        for warning in interface.warnings { logger.warning("\(warning)", metadata: ["agent": "\(interface.name)"]) }
        statuses[agent].serving(
            interface, version: attempted[agent].version, generation: numbers[agent], loadedAt: Timestamp.now())
        statuses[agent].subscribed(to: subscriptions[agent].all.sorted())
        hooks.subscribe(subscriptions.reduce(into: Subscriptions()) { $0.formUnion($1) })
    }
}
