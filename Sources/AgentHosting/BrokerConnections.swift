import AgentModel
import AgentWorker
import Logging
import NIOCore
import Synchronization

/// The host's connections to brokers: which brokers there are, what the agents want of them, and a transport for each.
final class BrokerConnections: Sendable {
    /// A transport in use.
    private struct Connection {
        let traits: TransportTraits
        let transport: any Transport
        let status: ConnectionStatus
    }

    private struct State {
        var rooms: [WorkerRoom] = []
        var serviceName = ""
        var lineup = BrokerLineup()
        var embedding: BrokerEmbedding?
        var subscriptions = Subscriptions()
        var connections: [Connection] = []

        /// Returns the one whose place it takes.
        mutating func use(_ connection: Connection) -> Connection? {
            guard let place = connections.firstIndex(where: { $0.traits.name == connection.traits.name }) else {
                connections.append(connection)
                return nil
            }
            defer { connections[place] = connection }
            return connections[place]
        }
    }

    private let status: HostStatus
    private let logger: Logger
    private let state = Mutex(State())
    /// What the agents need of brokers, each time that versions came into service.
    private let demands = AsyncStream<Subscriptions>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(status: HostStatus, logger: Logger) {
        self.status = status
        self.logger = logger
    }

    /// The brokers that the host talks to.
    var lineup: BrokerLineup { state.withLock { $0.lineup } }

    // MARK: Start

    /// Connects to what is configured, then to what is started for the needs of the versions that are to come.
    ///
    /// - Throws: `HostFailure`.
    func open(
        _ configured: BrokerLineup, _ embedding: BrokerEmbedding, serviceName: String, rooms: [WorkerRoom],
        needs: Subscriptions
    ) async throws {
        state.withLock {
            $0.rooms = rooms
            $0.serviceName = serviceName
            $0.lineup = configured
            $0.embedding = embedding
        }
        try await reconnect(to: configured, Set(TransportName.known))
        _ = try await embed(for: needs)
    }

    /// Starts what the agents need and may be started, and connects to it. Returns whether there was something.
    private func embed(for needs: Subscriptions) async throws -> Bool {
        var (embedding, lineup) = state.withLock { ($0.embedding, $0.lineup) }
        guard let started = try embedding?.start(for: needs, in: &lineup), !started.isEmpty else { return false }
        state.withLock { [lineup] in $0.lineup = lineup }
        status.embeds(started.map(\.description))
        try await reconnect(to: lineup, Set(started))
        return true
    }

    /// The brokers that the agents in service need and that are not there, but for what was told before.
    func missingAnew() -> [MissingBroker] {
        let (embedding, needs, lineup) = state.withLock { ($0.embedding, $0.subscriptions, $0.lineup) }
        return embedding?.missingAnew(for: needs, in: lineup) ?? []
    }

    /// Starts what later versions need, until its task is cancelled.
    func followNeeds(started: (BrokerLineup) -> Void) async {
        for await needs in demands.stream {
            do {
                if try await embed(for: needs) { started(lineup) }
                for missing in missingAnew() { logger.warning("\(missing)") }
            } catch {
                logger.error(
                    "a broker that a new version needs cannot be started",
                    metadata: ["error": "\(ErrorText.of(error))"])
            }
        }
    }

    // MARK: Connections

    /// New clients of the transports that are named, in the place of those there are, which hand over what they have taken
    /// first. A transport without a broker in the lineup stays as it is, and so does one whose clients cannot be made.
    ///
    /// - Throws: `HostFailure`.
    func reconnect(to lineup: BrokerLineup, _ names: Set<TransportName>) async throws {
        for plan in lineup.plans where names.contains(plan.name) {
            try await connect(plan)
            state.withLock { $0.lineup.take(plan.name, from: lineup) }
        }
    }

    private func connect(_ plan: TransportPlan) async throws {
        let (rooms, serviceName) = state.withLock { ($0.rooms, $0.serviceName) }
        let shown = ConnectionStatus(
            serviceName: serviceName, connectionType: plan.name.description, endpoint: plan.endpoint,
            isUsed: plan.connectsAtOnce)
        let transport: any Transport
        do {
            transport = try await plan.make(try await seats(rooms), shown, logger)
        } catch {
            throw HostFailure(.agent, "\(plan.traits.title): \(ErrorText.of(error))")
        }
        await connection(plan.name)?.transport.stopIntake()
        let connection = Connection(traits: plan.traits, transport: transport, status: shown)
        let (earlier, subscriptions) = state.withLock { ($0.use(connection), $0.subscriptions) }
        if let earlier { status.remove(earlier.status) }
        status.add(shown)
        status.metrics.observe(transport, plan.name)
        subscribe(connection, subscriptions)
        for room in rooms { try await room.loop.submit { room.connect(plan.name, transport) }.get() }
        await earlier?.transport.stop()
    }

    private func connection(_ name: TransportName) -> Connection? {
        state.withLock { $0.connections.first { $0.traits.name == name } }
    }

    private func seats(_ rooms: [WorkerRoom]) async throws -> [WorkerSeat] {
        var seats: [WorkerSeat] = []
        for room in rooms { seats.append(try await room.loop.submit { room.seat }.get()) }
        return seats
    }

    // MARK: Subscriptions

    /// Brings the subscriptions to what the agents in service want.
    func subscribe(_ subscriptions: Subscriptions) {
        let connections = state.withLock { state in
            state.subscriptions = subscriptions
            return state.connections
        }
        for connection in connections { subscribe(connection, subscriptions) }
        status.stream(subscriptions[.kafka].all)
        demands.continuation.yield(subscriptions)
    }

    private func subscribe(_ connection: Connection, _ subscriptions: Subscriptions) {
        let name = connection.traits.name
        do {
            try connection.transport.subscribe(to: subscriptions[name], sends: subscriptions.isSent(to: name))
        } catch {
            logger.error(
                "\(connection.traits.title) topics cannot be subscribed",
                metadata: ["error": "\(ErrorText.of(error))"])
        }
    }

    /// Until the brokers have the agents' subscriptions, since what is published before may not be theirs; a broker that is
    /// away, or slow, keeps nobody waiting for longer than this.
    func awaitSubscriptions() async {
        let (connections, loop) = state.withLock { ($0.connections, $0.rooms.first?.loop) }
        guard let loop else { return }
        let all = connections.map { $0.transport.subscribed(within: .seconds(5), on: loop) }
        try? await EventLoopFuture.andAllComplete(all, on: loop).get()
    }

    // MARK: Stop

    private var transports: [any Transport] { state.withLock { $0.connections.map(\.transport) } }

    /// From now on no message is handed to a worker.
    func pauseIntake() { for transport in transports { transport.pauseIntake() } }

    /// What is settled is acknowledged, what waits to be sent is sent, and the clients leave.
    func stop() async {
        for transport in transports { await transport.stopIntake() }
        await withTaskGroup(of: Void.self) { tasks in
            for transport in transports { tasks.addTask { await transport.stop() } }
        }
    }
}
