import AgentConfiguration
import AgentModel
import AgentStore
import AgentWorker
import HTTPServer
import KafkaTransport
import Logging
import MQTTTransport
import NIOCore
import Reloading
import Synchronization

/// Everything that is open while a host runs: a room for each worker, and the MQTT clients that they share.
final class HostFloor: Sendable {
    /// Seconds for the `on_stop` functions when handlers have used all of their own.
    private static let leastStopTime: Int64 = 2

    private struct Shared {
        var rooms: [WorkerRoom] = []
        var life: HostLife?
        var subscriber: MQTTSubscriber?
        var publisher: MQTTPublisher?
        var subscriptions = Subscriptions()
        var kafkaStatus: ConnectionStatus?
        var mqttStatus: ConnectionStatus?
        var brokers = BrokerLineup()
        var embedding: BrokerEmbedding?
        var serviceName = ""
    }

    private let workers: [Worker]
    private let status: HostStatus
    private let logger: Logger
    private let shared = Mutex(Shared())
    private let stopping = AsyncStream<Void>.makeStream()
    /// What the agents need of brokers, each time that versions came into service.
    private let demands = AsyncStream<Subscriptions>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(workers: [Worker], status: HostStatus, logger: Logger) {
        self.workers = workers
        self.status = status
        self.logger = logger
    }

    // MARK: Start

    /// Opens the sockets and the broker clients; tasks are refused until `start`. Returns the HTTP port.
    func open(_ config: AgentConfig, _ embedding: BrokerEmbedding, serviceName: String) async throws -> Int {
        let configured = try BrokerLineup(configured: config, serviceName: serviceName)
        var settings = HTTPServerSettings(config)
        let exchange = RealtimeExchange(settings: settings)
        var rooms: [WorkerRoom] = []
        for worker in workers {
            let bound = settings
            let (room, port) = try await worker.loop.flatSubmit { [status, logger] in
                let room = WorkerRoom(
                    worker: worker,
                    server: HTTPServer(
                        eventLoop: worker.loop, settings: bound, exchange: exchange, requests: worker, status: status,
                        logger: logger))
                return room.server.bind().map { (room, $0.port ?? bound.port) }
            }.get(orThrow: { HostFailure(listeningOn: bound.host, port: bound.port, $0) })
            // With port 0 the first worker finds a free port, and the others share it.
            settings.port = port
            rooms.append(room)
        }
        shared.withLock { [rooms] in
            $0.rooms = rooms
            $0.life = exchange.life
            status.metrics.observe(exchange.requests)
            $0.brokers = configured
            $0.embedding = embedding
            $0.serviceName = serviceName
        }
        try await connectMQTT(configured.mqtt, serviceName: serviceName)
        try await connectKafka(configured.kafka, serviceName: serviceName)
        _ = try await embed(for: try await candidateNeeds())
        for room in rooms { try await room.loop.submit { room.connect(mqtt: self.sender(for: room)) }.get() }
        return settings.port
    }

    /// What the loaded versions need that are not in service yet.
    private func candidateNeeds() async throws -> Subscriptions {
        guard let worker = workers.first else { return Subscriptions() }
        return try await worker.loop.submit { worker.candidateSubscriptions() }.get()
    }

    // MARK: Embedded brokers

    /// The brokers that the host talks to.
    var brokers: BrokerLineup { shared.withLock { $0.brokers } }

    /// Starts what the agents need and may be started, and connects to it. Returns whether there was something.
    private func embed(for needs: Subscriptions) async throws -> Bool {
        let (embedding, serviceName) = shared.withLock { ($0.embedding, $0.serviceName) }
        var lineup = brokers
        guard let started = try embedding?.start(for: needs, in: &lineup), !started.isEmpty else { return false }
        shared.withLock { [lineup] in $0.brokers = lineup }
        status.embeds(started)
        if started.contains("mqtt") { try await connectMQTT(lineup.mqtt, serviceName: serviceName) }
        if started.contains("kafka") { try await connectKafka(lineup.kafka, serviceName: serviceName) }
        return true
    }

    /// The brokers that the agents in service need and that are not there, but for what was told before.
    func missingAnew() -> [MissingBroker] {
        let (embedding, needs, brokers) = shared.withLock { ($0.embedding, $0.subscriptions, $0.brokers) }
        return embedding?.missingAnew(for: needs, in: brokers) ?? []
    }

    /// Starts what later versions need, until its task is cancelled.
    func followNeeds(started: (BrokerLineup) -> Void) async {
        for await needs in demands.stream {
            do {
                if try await embed(for: needs) { started(brokers) }
                for missing in missingAnew() { logger.warning("\(missing)") }
            } catch {
                logger.error(
                    "a broker that a new version needs cannot be started",
                    metadata: ["error": "\(ErrorText.of(error))"])
            }
        }
    }

    /// Puts the agents in service, then opens the doors.
    func start(_ reloader: Reloader) async throws {
        try await reloader.activateFirst()
        for room in shared.withLock({ $0.rooms }) {
            try await room.loop.submit { [status] in
                room.worker.beginServing()
                room.beginMeasuring(status.metrics)
            }.get()
        }
    }

    /// Until the MQTT broker has the agents' subscriptions, since what is published before is not theirs; a broker that is
    /// away, or slow, keeps nobody waiting for longer than this. Kafka keeps what comes early.
    func awaitSubscriptions() async {
        guard let subscriber = shared.withLock({ $0.subscriber }), let loop = workers.first?.loop else { return }
        try? await subscriber.subscribed(within: .seconds(5), on: loop).get()
    }

    /// What the agents in service declare.
    func descriptions() async throws -> [AgentDescription] {
        guard let worker = workers.first else { return [] }
        return try await worker.loop.submit { worker.descriptions() }.get()
    }

    /// Everything accepts, and probes are told so.
    func isReady() { shared.withLock { $0.life }?.isReady() }

    func connectKafka(_ settings: KafkaSettings?, serviceName: String) async throws {
        guard let settings else { return }
        let connection = ConnectionStatus(
            serviceName: serviceName, connectionType: "kafka", endpoint: settings.bootstrapServers)
        replace(\.kafkaStatus, with: connection)
        shared.withLock { $0.brokers.kafka = settings }
        for room in shared.withLock({ $0.rooms }) {
            let subscriptions = shared.withLock { $0.subscriptions }
            let isFirst = room.worker.index == 0
            try await room.loop.flatSubmit { [logger] in
                do throws(KafkaError) {
                    let consumer = try KafkaConsumer(
                        settings: settings, eventLoop: room.loop, receiver: room.worker, status: connection,
                        logger: logger)
                    let producer = try KafkaProducer(
                        settings: settings, eventLoop: room.loop, status: connection, logger: logger)
                    producer.warm(topics: [])
                    if !subscriptions.kafka.isEmpty { consumer.subscribe(to: subscriptions.kafka) }
                    let connected = room.connectKafka(
                        consumer: consumer, producer: producer,
                        every: {
                            try KafkaConsumer(
                                settings: settings.forEveryMessage(), eventLoop: room.loop, receiver: room.worker,
                                status: connection, logger: logger)
                        }, mqtt: self.sender(for: room))
                    if isFirst { self.subscribeToEvery(subscriptions.kafkaEvery, room) }
                    return connected
                } catch {
                    return room.loop.makeFailedFuture(error)
                }
            }.get(orThrow: { HostFailure(.agent, "Kafka: \(ErrorText.of($0))") })
        }
    }

    func connectMQTT(_ settings: MQTTSettings?, serviceName: String) async throws {
        guard let settings else { return }
        let connection = ConnectionStatus(
            serviceName: serviceName, connectionType: "mqtt", endpoint: settings.endpoint, isUsed: false)
        replace(\.mqttStatus, with: connection)
        shared.withLock { $0.brokers.mqtt = settings }
        let earlier = shared.withLock { ($0.subscriber, $0.publisher) }
        await earlier.0?.stop()
        let routes = try await routes()
        do throws(MQTTError) {
            let subscriber = try MQTTSubscriber(
                settings: settings, status: connection, logger: logger,
                route: { topic in
                    routes[topic.utf8.reduce(5381) { ($0 &* 33) ^ Int($1) }.magnitude.index(below: routes.count)]
                })
            let publisher = try MQTTPublisher(settings: settings, status: connection, logger: logger)
            let subscriptions = shared.withLock { shared in
                shared.subscriber = subscriber
                shared.publisher = publisher
                status.metrics.observe(publisher)
                return shared.subscriptions
            }
            if subscriptions.sendsMQTT { publisher.connect() }
            try subscriber.subscribe(to: subscriptions.mqtt)
        } catch {
            throw HostFailure(.agent, "MQTT: \(error)")
        }
        for room in shared.withLock({ $0.rooms }) {
            try await room.loop.submit { room.connect(mqtt: self.sender(for: room)) }.get()
        }
        await earlier.1?.stop()
    }

    /// Messages of one topic always go to the same worker, so that their order holds.
    private func routes() async throws -> [MQTTRoute] {
        var routes: [MQTTRoute] = []
        for worker in workers {
            routes.append(
                try await worker.loop.submit {
                    MQTTRoute(eventLoop: worker.loop, receiver: NIOLoopBound(worker, eventLoop: worker.loop))
                }.get())
        }
        return routes
    }

    private func sender(for room: WorkerRoom) -> (any Outlet)? {
        shared.withLock { $0.publisher }?.sender(on: room.loop)
    }

    private func replace(
        _ path: any WritableKeyPath<Shared, ConnectionStatus?> & Sendable, with connection: ConnectionStatus
    ) {
        let earlier = shared.withLock { shared in
            defer { shared[keyPath: path] = connection }
            return shared[keyPath: path]
        }
        if let earlier { status.remove(earlier) }
        status.add(connection)
    }

    // MARK: Reload

    var reloadHooks: Reloader.Hooks {
        Reloader.Hooks(
            validate: { try RouteTable.validate($0) },
            swapped: { worker, interfaces in
                self.shared.withLock { $0.rooms }.first { $0.worker === worker }?.server.apply(interfaces)
            },
            subscribe: { self.subscribe($0) })
    }

    private func subscribe(_ subscriptions: Subscriptions) {
        let (rooms, subscriber, publisher) = shared.withLock { shared in
            shared.subscriptions = subscriptions
            return (shared.rooms, shared.subscriber, shared.publisher)
        }
        for room in rooms {
            room.loop.execute {
                room.subscribe(to: subscriptions.kafka)
                // Once a host: the hub takes what it becomes to the clients of the other workers.
                if room.worker.index == 0 { self.subscribeToEvery(subscriptions.kafkaEvery, room) }
            }
        }
        status.stream(subscriptions.kafka.union(subscriptions.kafkaEvery))
        if subscriptions.sendsMQTT { publisher?.connect() }
        demands.continuation.yield(subscriptions)
        do throws(MQTTError) {
            try subscriber?.subscribe(to: subscriptions.mqtt)
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

    // MARK: Stop

    /// Asks for the stop; `untilStopped` returns.
    func beginStop() { stopping.continuation.finish() }

    func untilStopped() async {
        for await _ in stopping.stream {}
    }

    /// Takes in nothing new, lets what is under way finish and be acknowledged, then closes everything. What has not
    /// finished within `grace` is cut off (contract section 6, promise 5). Returns the names of what was.
    func stop(grace: Duration) async -> [String] {
        let (rooms, subscriber, publisher) = shared.withLock { ($0.rooms, $0.subscriber, $0.publisher) }
        let deadline = NIODeadline.now() + TimeAmount(grace)
        subscriber?.pauseIntake()
        let cutOff = Mutex<[String]>([])
        await each(rooms) { room in
            room.pauseIntake()
            return room.worker.drain(deadline: deadline).map { names in cutOff.withLock { $0 += names } }
        }
        let stopsEnd = max(deadline, .now() + .seconds(Self.leastStopTime))
        await each(rooms) { $0.worker.runStops(deadline: stopsEnd) }
        await subscriber?.stop()
        await each(rooms) { $0.stopKafka() }
        await publisher?.stop()
        await each(rooms) { $0.server.stop() }
        await each(rooms) { room in
            room.stopMeasuring()
            room.worker.close()
            return room.loop.makeSucceededVoidFuture()
        }
        // No script runs any more; what they have set is on the disk when this returns.
        await status.stores.close()
        await brokers.stopEmbedded()
        return cutOff.withLock { $0 }
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

extension HTTPServerSettings {
    fileprivate init(_ config: AgentConfig) {
        self.init(host: config.host, port: config.port, allowedOrigins: config.allowedOrigins)
        allowsCredentials = config.allowsCredentials
        allowedHosts = config.allowedHosts
        maxConnections = config.maxConnections
        logsAccess = config.logsAccess
        maxMessageBytes = config.maxMessageBytes
    }
}

extension UInt {
    fileprivate func index(below count: Int) -> Int { Int(self % UInt(count)) }
}

extension EventLoopFuture where Value: Sendable {
    /// The value, or an error of the host's own kind.
    func get(orThrow failure: (any Error) -> HostFailure) async throws -> Value {
        do { return try await get() } catch { throw failure(error) }
    }
}
