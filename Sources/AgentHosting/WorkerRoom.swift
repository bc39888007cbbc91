import AgentAPI
import AgentMetrics
import AgentModel
import AgentWorker
import KafkaTransport
import NIOCore

/// One worker with its server and its Kafka clients, all confined to one event loop.
final class WorkerRoom: @unchecked Sendable {
    let worker: Worker
    let server: AgentServer
    private var consumer: KafkaConsumer?
    private var producer: KafkaProducer?
    /// For topics of which this host gets every message; made when there are such topics.
    private var everyConsumer: KafkaConsumer?
    private var makeEveryConsumer: (() throws -> KafkaConsumer)?
    private var meter: WorkerMeter?

    init(worker: Worker, server: AgentServer) {
        self.worker = worker
        self.server = server
    }

    var loop: any EventLoop { worker.loop }

    /// Connects the worker to Kafka clients of its own; earlier ones hand over what they have taken first.
    func connectKafka(
        consumer: KafkaConsumer, producer: KafkaProducer, every: @escaping () throws -> KafkaConsumer,
        mqtt: (any Outlet)?
    ) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let earlier = ([self.consumer, everyConsumer].compactMap { $0 }, self.producer)
        self.consumer = consumer
        self.producer = producer
        everyConsumer = nil
        makeEveryConsumer = every
        connect(mqtt: mqtt)
        return Self.stop(earlier.0, earlier.1, on: loop)
    }

    func connect(mqtt: (any Outlet)?) {
        loop.preconditionInEventLoop()
        worker.connect(.kafka, producer)
        worker.connect(.mqtt, mqtt)
        worker.connect(server.hub)
    }

    // MARK: Measuring

    /// From now on, until the host's metrics or the worker are gone.
    func beginMeasuring(_ metrics: HostMetrics) {
        loop.preconditionInEventLoop()
        let delay = metrics.registry.makeTimer(
            label: HostMetrics.loopDelay, dimensions: [("worker", "\(worker.index)")])
        meter = WorkerMeter(loop: loop, delay: delay) { [weak self, weak metrics] in
            if let self { metrics?.take(sample()) }
        }
    }

    func stopMeasuring() {
        loop.preconditionInEventLoop()
        meter?.stop()
        meter = nil
    }

    private func sample() -> WorkerSample {
        let consumers = [(consumer, false), (everyConsumer, true)]
        return WorkerSample(
            worker: worker.index, taken: .now(), figures: worker.figures(),
            partitions: consumers.flatMap { consumer, isForEvery in
                (consumer?.lag() ?? []).map {
                    WorkerSample.Partition(
                        topic: $0.topic, number: $0.partition, isForEvery: isForEvery, lag: $0.messages,
                        unacknowledged: $0.unacknowledged)
                }
            },
            queuedRecords: producer?.queued)
    }

    // MARK: Topics

    func subscribe(to topics: Set<String>) {
        loop.preconditionInEventLoop()
        consumer?.subscribe(to: topics)
    }

    /// Subscribes topics of which every host gets every message.
    func subscribeToEvery(_ topics: Set<String>) throws {
        loop.preconditionInEventLoop()
        if everyConsumer == nil, !topics.isEmpty { everyConsumer = try makeEveryConsumer?() }
        everyConsumer?.subscribe(to: topics)
    }

    func pauseIntake() {
        loop.preconditionInEventLoop()
        consumer?.pauseIntake()
        everyConsumer?.pauseIntake()
        server.beginStop()
    }

    /// Commits what is settled, waits for what is sent, and leaves.
    func stopKafka() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        defer {
            consumer = nil
            everyConsumer = nil
            producer = nil
        }
        return Self.stop([consumer, everyConsumer].compactMap { $0 }, producer, on: loop)
    }

    private static func stop(
        _ consumers: [KafkaConsumer], _ producer: KafkaProducer?, on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        for consumer in consumers { consumer.pauseIntake() }
        let flushed = producer?.flush() ?? loop.makeSucceededVoidFuture()
        // Records that no broker takes would hold up the stop for ever: the messages behind them stay unacknowledged.
        let limit = loop.makePromise(of: Void.self)
        let timer = loop.scheduleTask(in: .seconds(5)) { limit.succeed(()) }
        flushed.assumeIsolated().whenComplete { _ in
            timer.cancel()
            limit.succeed(())
        }
        return limit.futureResult.assumeIsolated().flatMap { () -> EventLoopFuture<Void> in
            let stops = consumers.map { $0.stop() } + [producer?.stop()].compactMap { $0 }
            let all = EventLoopFuture.andAllComplete(stops, on: loop)
            // The clients live until they have left: their own timers do not hold them.
            all.assumeIsolated().whenComplete { _ in withExtendedLifetime((consumers, producer)) {} }
            return all
        }.nonisolated()
    }
}
