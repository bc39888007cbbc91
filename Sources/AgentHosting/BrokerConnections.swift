import AgentModel
import AgentWorker
import KafkaTransport
import Logging
import MQTTTransport
import NIOCore
import Synchronization

/// The host's clients of brokers: which brokers there are, what the agents want of them, and the MQTT clients that the
/// workers share. Those of Kafka are each worker's own.
final class BrokerConnections: Sendable {
    private struct State {
        var rooms: [WorkerRoom] = []
        var serviceName = ""
        var lineup = BrokerLineup()
        var embedding: BrokerEmbedding?
        var subscriptions = Subscriptions()
        var kafkaStatus: ConnectionStatus?
        var mqttStatus: ConnectionStatus?
        var subscriber: MQTTSubscriber?
        var publisher: MQTTPublisher?
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
        try await reconnect(to: configured, kafka: true, mqtt: true)
        _ = try await embed(for: needs)
        try await introduce(to: rooms)
    }

    /// Gives each worker what it sends with.
    private func introduce(to rooms: [WorkerRoom]) async throws {
        for room in rooms { try await room.loop.submit { room.connect(mqtt: self.sender(for: room)) }.get() }
    }

    /// Starts what the agents need and may be started, and connects to it. Returns whether there was something.
    private func embed(for needs: Subscriptions) async throws -> Bool {
        var (embedding, lineup) = state.withLock { ($0.embedding, $0.lineup) }
        guard let started = try embedding?.start(for: needs, in: &lineup), !started.isEmpty else { return false }
        state.withLock { [lineup] in $0.lineup = lineup }
        status.embeds(started)
        try await reconnect(to: lineup, kafka: started.contains("kafka"), mqtt: started.contains("mqtt"))
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
    /// first. A transport without a broker in the lineup stays as it is.
    ///
    /// - Throws: `HostFailure`.
    func reconnect(to lineup: BrokerLineup, kafka: Bool, mqtt: Bool) async throws {
        if mqtt, let settings = lineup.mqtt { try await connectMQTT(settings) }
        if kafka, let settings = lineup.kafka { try await connectKafka(settings) }
    }

    private func connectKafka(_ settings: KafkaSettings) async throws {
        let (rooms, serviceName) = state.withLock { ($0.rooms, $0.serviceName) }
        let connection = ConnectionStatus(
            serviceName: serviceName, connectionType: "kafka", endpoint: settings.bootstrapServers)
        replace(\.kafkaStatus, with: connection)
        state.withLock { $0.lineup.kafka = settings }
        for room in rooms {
            let subscriptions = state.withLock { $0.subscriptions }
            let isFirst = room.worker.index == 0
            try await room.loop.flatSubmit { [logger] in
                do throws(KafkaError) {
                    let consumer = try KafkaConsumer(
                        settings: settings, eventLoop: room.loop, receiver: room.worker, status: connection,
                        logger: logger)
                    let producer = try KafkaProducer(
                        settings: settings, eventLoop: room.loop, status: connection, logger: logger)
                    if !subscriptions[.kafka].shared.isEmpty { consumer.subscribe(to: subscriptions[.kafka].shared) }
                    let connected = room.connectKafka(
                        consumer: consumer, producer: producer,
                        every: {
                            try KafkaConsumer(
                                settings: settings.forEveryMessage(), eventLoop: room.loop, receiver: room.worker,
                                status: connection, logger: logger)
                        }, mqtt: self.sender(for: room))
                    if isFirst { self.subscribeToEvery(subscriptions[.kafka].every, room) }
                    return connected
                } catch {
                    return room.loop.makeFailedFuture(error)
                }
            }.get(orThrow: { HostFailure(.agent, "Kafka: \(ErrorText.of($0))") })
        }
    }

    private func connectMQTT(_ settings: MQTTSettings) async throws {
        let (rooms, serviceName) = state.withLock { ($0.rooms, $0.serviceName) }
        let connection = ConnectionStatus(
            serviceName: serviceName, connectionType: "mqtt", endpoint: settings.endpoint, isUsed: false)
        replace(\.mqttStatus, with: connection)
        state.withLock { $0.lineup.mqtt = settings }
        let earlier = state.withLock { ($0.subscriber, $0.publisher) }
        await earlier.0?.stop()
        let routes = try await routes(rooms)
        do throws(MQTTError) {
            let subscriber = try MQTTSubscriber(
                settings: settings, status: connection, logger: logger,
                route: { topic in
                    routes[topic.utf8.reduce(5381) { ($0 &* 33) ^ Int($1) }.magnitude.index(below: routes.count)]
                })
            let publisher = try MQTTPublisher(settings: settings, status: connection, logger: logger)
            let subscriptions = state.withLock { state in
                state.subscriber = subscriber
                state.publisher = publisher
                status.metrics.observe(publisher)
                return state.subscriptions
            }
            if subscriptions.isSent(to: .mqtt) { publisher.connect() }
            try subscriber.subscribe(to: subscriptions[.mqtt].all)
        } catch {
            throw HostFailure(.agent, "MQTT: \(error)")
        }
        try await introduce(to: rooms)
        await earlier.1?.stop()
    }

    /// Messages of one topic always go to the same worker, so that their order holds.
    private func routes(_ rooms: [WorkerRoom]) async throws -> [MQTTRoute] {
        var routes: [MQTTRoute] = []
        for worker in rooms.map(\.worker) {
            routes.append(
                try await worker.loop.submit {
                    MQTTRoute(eventLoop: worker.loop, receiver: NIOLoopBound(worker, eventLoop: worker.loop))
                }.get())
        }
        return routes
    }

    private func sender(for room: WorkerRoom) -> (any Outlet)? {
        state.withLock { $0.publisher }?.sender(on: room.loop)
    }

    private func replace(
        _ path: any WritableKeyPath<State, ConnectionStatus?> & Sendable, with connection: ConnectionStatus
    ) {
        let earlier = state.withLock { state in
            defer { state[keyPath: path] = connection }
            return state[keyPath: path]
        }
        if let earlier { status.remove(earlier) }
        status.add(connection)
    }

    // MARK: Subscriptions

    /// Brings the subscriptions to what the agents in service want.
    func subscribe(_ subscriptions: Subscriptions) {
        let (rooms, subscriber, publisher) = state.withLock { state in
            state.subscriptions = subscriptions
            return (state.rooms, state.subscriber, state.publisher)
        }
        for room in rooms {
            room.loop.execute {
                room.subscribe(to: subscriptions[.kafka].shared)
                // Once a host: the hub takes what it becomes to the clients of the other workers.
                if room.worker.index == 0 { self.subscribeToEvery(subscriptions[.kafka].every, room) }
            }
        }
        status.stream(subscriptions[.kafka].all)
        if subscriptions.isSent(to: .mqtt) { publisher?.connect() }
        demands.continuation.yield(subscriptions)
        do throws(MQTTError) {
            try subscriber?.subscribe(to: subscriptions[.mqtt].all)
        } catch {
            logger.error("MQTT topics cannot be subscribed", metadata: ["error": "\(ErrorText.of(error))"])
        }
    }

    private func subscribeToEvery(_ topics: Set<String>, _ room: WorkerRoom) {
        do {
            try room.subscribeToEvery(topics)
        } catch {
            logger.error("Kafka topics cannot be subscribed", metadata: ["error": "\(ErrorText.of(error))"])
        }
    }

    /// Until the MQTT broker has the agents' subscriptions, since what is published before is not theirs; a broker that is
    /// away, or slow, keeps nobody waiting for longer than this. Kafka keeps what comes early.
    func awaitSubscriptions() async {
        guard let subscriber = state.withLock({ $0.subscriber }), let loop = state.withLock({ $0.rooms.first?.loop })
        else { return }
        try? await subscriber.subscribed(within: .seconds(5), on: loop).get()
    }

    // MARK: Stop

    /// From now on no MQTT message is handed to a worker.
    func pauseIntake() { state.withLock { $0.subscriber }?.pauseIntake() }

    /// Ends the shared clients: first the one that brings messages, then `between`, which closes the workers' own, then the
    /// one that sends.
    func stop(between: () async -> Void) async {
        let (subscriber, publisher) = state.withLock { ($0.subscriber, $0.publisher) }
        await subscriber?.stop()
        await between()
        await publisher?.stop()
    }
}

extension UInt {
    fileprivate func index(below count: Int) -> Int { Int(self % UInt(count)) }
}
