package import AgentModel
package import AgentScript
package import Logging
import NIOCore
import Synchronization

/// Brings script versions into service on all workers at once: loads, starts, checks them against what runs beside
/// them, swaps. Any failure before the swap leaves nothing but its report.
package actor Reloader {
    /// What the host does at the swap.
    package struct Hooks: Sendable {
        /// Checks the agents' routes against each other; throws what clashes.
        package var validate: @Sendable ([AgentInterface]) throws -> Void
        /// On a worker's loop, in the turn of the swap: the routes that hold from now on.
        package var swapped: @Sendable (Worker, [AgentInterface]) -> Void
        /// After the swap on all workers.
        package var subscribe: @Sendable (Subscriptions) -> Void
        /// A line for the terminal.
        package var announce: @Sendable (String) -> Void

        package init(
            validate: @escaping @Sendable ([AgentInterface]) throws -> Void,
            swapped: @escaping @Sendable (Worker, [AgentInterface]) -> Void,
            subscribe: @escaping @Sendable (Subscriptions) -> Void, announce: @escaping @Sendable (String) -> Void
        ) {
            self.validate = validate
            self.swapped = swapped
            self.subscribe = subscribe
            self.announce = announce
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
    private var running: Task<Void, Never>?

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
    }

    /// Directories of everything that was read or looked for.
    package var directories: Set<String> {
        attempted.reduce(into: []) { $0.formUnion($1.directories) }
    }

    /// The first load of all agents: throws the first failure. Nothing is started yet.
    package func loadFirst() async throws -> [AgentInterface] {
        for agent in sources.indices {
            interfaces[agent] = try await load(attempted[agent], agent: agent, number: 1)
        }
        let loaded = interfaces.compactMap { $0 }
        try hooks.validate(loaded)
        return loaded
    }

    /// Starts and puts in service what `loadFirst` loaded.
    package func activateFirst() async throws {
        for agent in sources.indices {
            try await start(agent)
            try await activate(agent)
        }
    }

    /// Loads again the agents whose files have changed since they were last read.
    package func reloadChanged() async {
        await oneAfterAnother { reloader in
            for agent in reloader.sources.indices where await reloader.attempted[agent].isStale() {
                await reloader.reload(agent)
            }
        }
    }

    package func reloadAll() async {
        await oneAfterAnother { reloader in
            for agent in reloader.sources.indices { await reloader.reload(agent) }
        }
    }

    /// A reload that is asked for while another is under way begins when that one is over.
    private func oneAfterAnother(_ reload: @escaping @Sendable (Reloader) async -> Void) async {
        let earlier = running
        let task = Task {
            await earlier?.value
            await reload(self)
        }
        running = task
        await task.value
    }

    private func reload(_ agent: Int) async {
        let snapshot = sources[agent]()
        attempted[agent] = snapshot
        do {
            let interface = try await load(snapshot, agent: agent, number: numbers[agent] + 1)
            var candidate = interfaces
            candidate[agent] = interface
            try hooks.validate(candidate.compactMap { $0 })
            try await start(agent)
            interfaces[agent] = interface
            try await activate(agent)
            statuses[agent].counters.reloads.wrappingAdd(1, ordering: .relaxed)
            hooks.announce("reloaded \(snapshot.name): version \(snapshot.version), generation \(numbers[agent])")
        } catch {
            let message = (error as? ScriptFailure)?.message ?? ErrorText.of(error)
            statuses[agent].reloadFailed(message)
            statuses[agent].counters.failedReloads.wrappingAdd(1, ordering: .relaxed)
            for worker in workers {
                try? await worker.loop.submit { worker.discardCandidate(agent: agent) }.get()
            }
            logger.error(
                "the reload failed; the version before keeps serving",
                metadata: [
                    "agent": "\(interfaces[agent]?.name ?? snapshot.name)", "version": "\(snapshot.version)",
                    "error": "\(message)",
                ])
            hooks.announce("reload failed, the version before keeps serving: \(message)")
        }
    }

    private func load(_ snapshot: ScriptSnapshot, agent: Int, number: Int) async throws -> AgentInterface {
        let settings = settings
        let loaded = try await onAllWorkers { $0.load(snapshot, agent: agent, number: number, settings: settings) }
        guard let interface = loaded.last else {
            throw ScriptFailure("\(snapshot.name): there is no worker to load it")
        }
        return interface
    }

    private func start(_ agent: Int) async throws {
        _ = try await onAllWorkers { worker in worker.loop.flatSubmit { worker.startCandidate(agent: agent) } }
    }

    /// Does something on all workers at once. Throws the first failure when all are done: nothing of it still runs then.
    private func onAllWorkers<Value: Sendable>(
        _ work: (Worker) -> EventLoopFuture<Value>
    ) async throws -> [Value] {
        var values: [Value] = []
        var failure: (any Error)?
        for future in workers.map(work) {
            do {
                values.append(try await future.get())
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return values
    }

    private func activate(_ agent: Int) async throws {
        let lineup = interfaces.compactMap { $0 }
        let hooks = hooks
        _ = try await onAllWorkers { worker in
            worker.loop.flatSubmit { worker.activate(agent: agent) { hooks.swapped(worker, lineup) } }
        }
        numbers[agent] += 1
        if let interface = interfaces[agent] {
            statuses[agent].serving(
                interface, version: attempted[agent].version, generation: numbers[agent], loadedAt: Timestamp.now())
        }
        if let worker = workers.first {
            subscriptions[agent] = try await worker.loop.submit { worker.subscriptions(agent: agent) }.get()
        }
        statuses[agent].subscribed(to: subscriptions[agent].all.sorted())
        hooks.subscribe(subscriptions.reduce(into: Subscriptions()) { $0.formUnion($1) })
    }
}
