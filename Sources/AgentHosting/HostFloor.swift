import AgentAPI
import AgentConfiguration
import AgentModel
import AgentStore
import AgentWorker
import HTTP1
import Logging
import NIOCore
import Reloading
import Synchronization

/// Everything that is open while a host runs: a room for each worker, and the clients of brokers.
final class HostFloor: Sendable {
    private let workers: [Worker]
    private let status: HostStatus
    private let logger: Logger
    let brokers: BrokerConnections
    private let opened = Mutex<(rooms: [WorkerRoom], life: HostLife?)>(([], nil))
    private let stopping = AsyncStream<Void>.makeStream()

    init(workers: [Worker], status: HostStatus, logger: Logger) {
        self.workers = workers
        self.status = status
        self.logger = logger
        brokers = BrokerConnections(status: status, logger: logger)
    }

    // MARK: Start

    /// Opens the sockets and the broker clients; tasks are refused until `start`. Returns the HTTP port.
    func open(_ config: AgentConfig, _ embedding: BrokerEmbedding, serviceName: String) async throws -> Int {
        let configured = try BrokerLineup(configured: config, serviceName: serviceName)
        var settings = AgentServerSettings(config)
        let exchange = HostExchange(settings: settings)
        var rooms: [WorkerRoom] = []
        for worker in workers {
            let bound = settings
            let (room, port) = try await worker.loop.flatSubmit { [status, logger] in
                let room = WorkerRoom(
                    worker: worker,
                    server: AgentServer(
                        eventLoop: worker.loop, settings: bound, exchange: exchange, requests: worker, status: status,
                        logger: logger))
                return room.server.bind().map { (room, $0.port ?? bound.http.port) }
            }.get(orThrow: { HostFailure(listeningOn: bound.http.host, port: bound.http.port, $0) })
            // With port 0 the first worker finds a free port, and the others share it.
            settings.http.port = port
            rooms.append(room)
        }
        opened.withLock { [rooms] in $0 = (rooms, exchange.life) }
        status.metrics.observe(exchange.requests)
        try await brokers.open(
            configured, embedding, serviceName: serviceName, rooms: rooms, needs: try await candidateNeeds())
        return settings.http.port
    }

    /// What the loaded versions need that are not in service yet.
    private func candidateNeeds() async throws -> Subscriptions {
        guard let worker = workers.first else { return Subscriptions() }
        return try await worker.loop.submit { worker.candidateSubscriptions() }.get()
    }

    /// Puts the agents in service, then opens the doors.
    func start(_ reloader: Reloader) async throws {
        try await reloader.activateFirst()
        for room in opened.withLock({ $0.rooms }) {
            try await room.loop.submit { [status] in
                room.worker.beginServing()
                room.beginMeasuring(status.metrics)
            }.get()
        }
    }

    /// What the agents in service declare.
    func descriptions() async throws -> [AgentDescription] {
        guard let worker = workers.first else { return [] }
        return try await worker.loop.submit { worker.descriptions() }.get()
    }

    /// Everything accepts, and probes are told so.
    func isReady() { opened.withLock { $0.life }?.isReady() }

    // MARK: Reload

    var reloadHooks: Reloader.Hooks {
        Reloader.Hooks(
            validate: { try RouteTable.validate($0) },
            swapped: { worker, interfaces in
                self.opened.withLock { $0.rooms }.first { $0.worker === worker }?.server.apply(interfaces)
            },
            subscribe: { self.brokers.subscribe($0) })
    }

    // MARK: Stop

    /// Asks for the stop; `untilStopped` returns.
    func beginStop() { stopping.continuation.finish() }

    func untilStopped() async {
        for await _ in stopping.stream {}
    }

    /// Takes in nothing new, lets what is under way finish and be acknowledged, then closes everything. What has not
    /// finished in its time is cut off (contract section 6, promise 5). Returns the names of what was, and whether every
    /// broker has let go: if not, something of it still runs on the loops.
    func stop(_ deadlines: StopTime.Deadlines) async -> (cutOff: [String], isWhole: Bool) {
        let rooms = opened.withLock { $0.rooms }
        brokers.pauseIntake()
        let cutOff = Mutex<[String]>([])
        await each(rooms) { room in
            room.beginStop()
            return room.worker.drain(deadline: deadlines.handlers).map { names in cutOff.withLock { $0 += names } }
        }
        await each(rooms) { $0.worker.runStops(deadline: deadlines.stopFunctions) }
        async let closed: Void = each(rooms) { $0.server.stop(by: deadlines.connections) }
        let left = max(deadlines.connections - .now(), .zero)
        let isWhole = await within(.nanoseconds(left.nanoseconds)) { [brokers] in await brokers.stop() }
        if !isWhole {
            logger.warning("stopping without waiting longer for a broker; what it has not taken comes again")
        }
        await closed
        await each(rooms) { room in
            room.stopMeasuring()
            room.worker.close()
            return room.loop.makeSucceededVoidFuture()
        }
        // No script runs any more; what they have set is on the disk when this returns.
        await status.stores.close()
        await brokers.lineup.stopEmbedded()
        return (cutOff.withLock { $0 }, isWhole)
    }

    /// What a stop that begins now waits for.
    func workUnderWay() async -> WorkUnderWay {
        var work = WorkUnderWay()
        for worker in workers {
            guard let figures = try? await worker.loop.submit({ worker.figures() }).get() else { continue }
            work.messages += figures.messagesUnderWay
            work.tasks += figures.agents.reduce(0) { $0 + $1.runningTasks + $1.queuedTasks }
        }
        return work
    }

    private func each(
        _ rooms: [WorkerRoom], _ step: @escaping @Sendable (WorkerRoom) -> EventLoopFuture<Void>
    ) async {
        await withTaskGroup(of: Void.self) { tasks in
            for room in rooms {
                tasks.addTask { [logger] in
                    do {
                        try await room.loop.flatSubmit { step(room) }.get()
                    } catch {
                        logger.warning("stopping", metadata: ["error": "\(ErrorText.of(error))"])
                    }
                }
            }
        }
    }
}

extension AgentServerSettings {
    fileprivate init(_ config: AgentConfig) {
        self.init(host: config.host, port: config.port, allowedOrigins: config.allowedOrigins)
        allowsCredentials = config.allowsCredentials
        allowedHosts = config.allowedHosts
        http.maxConnections = config.maxConnections
        logsAccess = config.logsAccess
        http.maxMessageBytes = config.maxMessageBytes
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The value, or an error of the host's own kind.
    func get(orThrow failure: (any Error) -> HostFailure) async throws -> Value {
        do { return try await get() } catch { throw failure(error) }
    }
}
