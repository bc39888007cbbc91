import AgentModel
import AgentWorker
import HTTPServer
import KafkaTransport
import NIOCore

/// One worker with its server and its Kafka clients, all confined to one event loop.
final class WorkerRoom: @unchecked Sendable {
    let worker: Worker
    let server: HTTPServer
    private var consumer: KafkaConsumer?
    private var producer: KafkaProducer?

    init(worker: Worker, server: HTTPServer) {
        self.worker = worker
        self.server = server
    }

    var loop: any EventLoop { worker.loop }

    /// Connects the worker to Kafka clients of its own; earlier ones hand over what they have taken first.
    func connectKafka(
        consumer: KafkaConsumer, producer: KafkaProducer, mqtt: (any MQTTSending)?
    ) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let earlier = (self.consumer, self.producer)
        self.consumer = consumer
        self.producer = producer
        connect(mqtt: mqtt)
        return Self.stop(earlier.0, earlier.1, on: loop)
    }

    func connect(mqtt: (any MQTTSending)?) {
        loop.preconditionInEventLoop()
        worker.connect(kafka: producer, mqtt: mqtt, hub: server.hub)
    }

    func subscribe(to topics: Set<String>) {
        loop.preconditionInEventLoop()
        consumer?.subscribe(to: topics)
    }

    func pauseIntake() {
        loop.preconditionInEventLoop()
        consumer?.pauseIntake()
        server.beginStop()
    }

    func warm(_ topics: [String]) {
        loop.preconditionInEventLoop()
        producer?.warm(topics: topics)
    }

    /// Commits what is settled, waits for what is sent, and leaves.
    func stopKafka() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        defer {
            consumer = nil
            producer = nil
        }
        return Self.stop(consumer, producer, on: loop)
    }

    private static func stop(
        _ consumer: KafkaConsumer?, _ producer: KafkaProducer?, on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        consumer?.pauseIntake()
        let flushed = producer?.flush() ?? loop.makeSucceededVoidFuture()
        // Records that no broker takes would hold up the stop for ever: the messages behind them stay unacknowledged.
        let limit = loop.makePromise(of: Void.self)
        let timer = loop.scheduleTask(in: .seconds(5)) { limit.succeed(()) }
        flushed.assumeIsolated().whenComplete { _ in
            timer.cancel()
            limit.succeed(())
        }
        return limit.futureResult.assumeIsolated().flatMap { () -> EventLoopFuture<Void> in
            let stops = [consumer?.stop(), producer?.stop()].compactMap { $0 }
            return EventLoopFuture.andAllComplete(stops, on: loop)
        }.nonisolated()
    }
}
