import AgentModel
import Logging
import NIOCore

/// One worker's clients of Kafka. Confined to the worker's loop.
final class KafkaSeat: @unchecked Sendable {
    /// How long a stop waits for what is sent: records that no broker takes would hold it up for ever, and the messages
    /// behind them stay unacknowledged.
    private static let patience = TimeAmount.seconds(5)

    let eventLoop: any EventLoop
    let producer: KafkaProducer
    private let consumer: KafkaConsumer
    /// For topics of which this host gets every message; made when there are such topics.
    private var everyConsumer: KafkaConsumer?
    private let makeEveryConsumer: () throws(KafkaError) -> KafkaConsumer

    init(
        settings: KafkaSettings, worker: WorkerSeat, status: ConnectionStatus, logger: Logger
    ) throws(KafkaError) {
        let (eventLoop, receiver) = (worker.eventLoop, worker.receiver.value)
        self.eventLoop = eventLoop
        consumer = try KafkaConsumer(
            settings: settings, eventLoop: eventLoop, receiver: receiver, status: status, logger: logger)
        producer = try KafkaProducer(settings: settings, eventLoop: eventLoop, status: status, logger: logger)
        makeEveryConsumer = { [unowned receiver] () throws(KafkaError) in
            try KafkaConsumer(
                settings: settings.forEveryMessage(), eventLoop: eventLoop, receiver: receiver, status: status,
                logger: logger)
        }
    }

    private var consumers: [KafkaConsumer] { [consumer] + (everyConsumer.map { [$0] } ?? []) }

    func subscribe(to topics: SubscribedTopics) throws(KafkaError) {
        eventLoop.preconditionInEventLoop()
        consumer.subscribe(to: topics.shared)
        if everyConsumer == nil, !topics.every.isEmpty { everyConsumer = try makeEveryConsumer() }
        everyConsumer?.subscribe(to: topics.every)
    }

    func pauseIntake() {
        eventLoop.preconditionInEventLoop()
        for consumer in consumers { consumer.pauseIntake() }
    }

    /// Commits what is settled, waits for what is sent, and leaves.
    func stop() -> EventLoopFuture<Void> {
        pauseIntake()
        let limit = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { limit.succeed(()) }
        producer.flush().assumeIsolated().whenComplete { _ in
            timer.cancel()
            limit.succeed(())
        }
        return limit.futureResult.assumeIsolated().flatMap { [self] () -> EventLoopFuture<Void> in
            let all = EventLoopFuture.andAllComplete(consumers.map { $0.stop() } + [producer.stop()], on: eventLoop)
            // The clients live until they have left: their own timers do not hold them.
            all.assumeIsolated().whenComplete { [self] _ in withExtendedLifetime(self) {} }
            return all
        }.nonisolated()
    }

    func backlog() -> TransportBacklog {
        var backlog = TransportBacklog()
        for consumer in consumers {
            backlog.partitions += consumer.lag().map {
                TransportBacklog.Partition(
                    topic: $0.topic, number: $0.partition, isForEvery: consumer === everyConsumer, lag: $0.messages,
                    unacknowledged: $0.unacknowledged, isPaused: $0.isPaused, oldestAge: $0.oldestAge)
            }
        }
        backlog.queuedRecords = producer.queued
        backlog.queueCapacity = KafkaProducer.maximumQueuedRecords
        return backlog
    }
}
