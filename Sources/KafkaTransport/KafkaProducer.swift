package import AgentModel
internal import CRdkafka
package import Logging
package import NIOCore

/// Produces to Kafka for one worker, from its event loop.
///
/// Idempotent and `acks=all`: a receipt settles without a failure only when every in-sync replica has the record, and
/// the records of one partition keep their order. While the broker is away records wait, up to `maximumQueuedRecords`
/// and `maximumQueuedBytes`; beyond that `send` refuses.
package final class KafkaProducer: Outlet {
    package static let maximumQueuedRecords = 100_000
    package static let maximumQueuedBytes = 64 << 20
    /// Delivery reports handled before the loop gets its turn.
    static let batch = 512
    static let pollInterval = TimeAmount.seconds(1)
    /// How long `stop` waits for the broker's answers.
    static let stopTimeout = TimeAmount.seconds(5)

    enum Phase {
        case serving
        /// The client failed for good; its records come back, and a new client is made (see `replace`).
        case replacing
        case stopping
        case stopped
    }

    let eventLoop: any EventLoop
    let settings: KafkaSettings
    let log: KafkaLog
    let monitor: ConnectionMonitor
    var phase = Phase.serving
    var client: KafkaClient?
    var wakeup: QueueWakeup?
    var topics: [String: OpaquePointer] = [:]
    var lastTopic: (name: String, handle: OpaquePointer)?
    var warmTopics: Set<String> = []

    /// Records that the present client has, each with a retained `PendingRecord`.
    var queuedInClient = 0
    /// Records that wait for the next client.
    var backlog: [(pending: PendingRecord, record: Record)] = []
    var backlogBytes = 0
    var nextSequence = 0

    /// Rises with each flush: the records of an epoch are those between two of them.
    var flushEpoch = 0
    /// Unsettled records of the present epoch.
    var unsettled = 0
    /// Flushes under way, oldest first, each with the unsettled records of its epoch.
    var flushes: [(epoch: Int, unsettled: Int, promise: EventLoopPromise<Void>)] = []
    var stopped: EventLoopPromise<Void>?

    var isPollScheduled = false
    var handledReports = 0
    var pollTimer: Scheduled<Void>?
    var stopTimer: Scheduled<Void>?

    /// Makes the client; it connects by itself. Call it on `eventLoop`, a loop of a `MultiThreadedEventLoopGroup`.
    ///
    /// - Throws: `KafkaError` for a setting that librdkafka refuses; never because a broker is away.
    package init(
        settings: KafkaSettings, eventLoop: any EventLoop, status: ConnectionStatus, logger: Logger
    ) throws(KafkaError) {
        eventLoop.preconditionInEventLoop()
        self.eventLoop = eventLoop
        self.settings = settings
        log = KafkaLog(logger: logger, clientID: settings.clientID)
        monitor = ConnectionMonitor(status: status, log: log)
        try connect()
        schedulePollTimer()
    }

    /// Looks up the leaders of topics that will be written, so that the first record does not wait for them.
    package func warm(topics: [String]) {
        eventLoop.preconditionInEventLoop()
        for topic in topics where handle(ofTopic: topic) != nil { warmTopics.insert(topic) }
    }

    package func send(_ record: Record, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        eventLoop.preconditionInEventLoop()
        let pending = PendingRecord(
            receipt: receipt, sequence: nextSequence, flushEpoch: flushEpoch, partition: record.partition)
        switch phase {
        case .stopping, .stopped:
            return DeliveryFailure("the Kafka producer is stopped")
        case .replacing:
            guard KafkaTopicName.isValid(record.topic) else { return refusal(of: record.topic) }
            guard backlog.count + queuedInClient < Self.maximumQueuedRecords,
                backlogBytes + record.queuedBytes <= Self.maximumQueuedBytes
            else { return queueFull() }
            hold(pending, record)
        case .serving:
            guard let topic = handle(ofTopic: record.topic) else { return refusal(of: record.topic) }
            let code = produce(record, to: topic, pending)
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: break
            case RD_KAFKA_RESP_ERR__QUEUE_FULL: return queueFull()
            case RD_KAFKA_RESP_ERR__FATAL:
                hold(pending, record)
                beginReplacement()
            default: return DeliveryFailure(code, of: record)
            }
        }
        nextSequence += 1
        unsettled += 1
        return nil
    }

    /// Completes when every record sent before has been settled, one way or the other.
    package func flush() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        guard unsettled > 0 || !flushes.isEmpty else { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        flushes.append((flushEpoch, unsettled, promise))
        flushEpoch += 1
        unsettled = 0
        return promise.futureResult
    }

    /// Waits up to 5 s for the broker's answers, settles what is left with a failure, and closes.
    package func stop() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        if let stopped { return stopped.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        stopped = promise
        // What waits for a new client would need one that is not made any more.
        let abandoned = backlog
        backlog = []
        backlogBytes = 0
        phase = .stopping
        for (pending, _) in abandoned {
            settle(pending, DeliveryFailure("the Kafka producer stopped before it could send"))
        }
        if queuedInClient == 0 {
            finishStop()
        } else {
            stopTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.stopTimeout) { [weak self] in
                self?.abandon()
            }
        }
        return promise.futureResult
    }

    /// Records that no broker has answered for yet.
    package var queued: Int {
        eventLoop.preconditionInEventLoop()
        return queuedInClient + backlog.count
    }

    private func refusal(of topic: String) -> DeliveryFailure {
        DeliveryFailure("\(topic.debugDescription) is not a topic name that Kafka allows", isPermanent: true)
    }

    private func queueFull() -> DeliveryFailure {
        DeliveryFailure(
            "the Kafka send queue is full (at most \(Self.maximumQueuedRecords) records or "
                + "\(Self.maximumQueuedBytes >> 20) MiB wait for the broker)")
    }
}
