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
    private static let batch = 512
    private static let pollInterval = TimeAmount.seconds(1)
    /// How long `stop` waits for the broker's answers.
    private static let stopTimeout = TimeAmount.seconds(5)

    private enum Phase {
        case serving
        /// The client failed for good; its records come back, and a new client is made (see `replace`).
        case replacing
        case stopping
        case stopped
    }

    private let eventLoop: any EventLoop
    private let settings: KafkaSettings
    private let log: KafkaLog
    private let monitor: ConnectionMonitor
    private var phase = Phase.serving
    /// nil: stopped, or another could not be made yet.
    private var client: ProducerClient?
    private var warmTopics: Set<String> = []
    private var backlog = RecordBacklog()
    private var flushes = FlushEpochs()
    private var nextSequence = 0
    private var stopped: EventLoopPromise<Void>?
    private var isPollScheduled = false
    /// In the present poll.
    private var handledReports = 0
    private var pollTimer: Scheduled<Void>?
    private var stopTimer: Scheduled<Void>?

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

    private func connect() throws(KafkaError) {
        let client = try ProducerClient(settings: settings, eventLoop: eventLoop, owner: self) { [weak self] in
            self?.poll()
        }
        self.client = client
        for topic in warmTopics { _ = client.handle(ofTopic: topic) }
        schedulePoll()
    }

    private func disconnect() {
        client?.close()
        client = nil
    }

    /// Looks up the leaders of topics that will be written, so that the first record does not wait for them.
    package func warm(topics: [String]) {
        eventLoop.preconditionInEventLoop()
        for topic in topics where client?.handle(ofTopic: topic) != nil { warmTopics.insert(topic) }
    }

    package func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        eventLoop.preconditionInEventLoop()
        let pending = PendingRecord(
            receipt: receipt, sequence: nextSequence, flushEpoch: flushes.current, partition: record.partition)
        switch phase {
        case .stopping, .stopped:
            return DeliveryFailure("the Kafka producer is stopped")
        case .replacing:
            guard KafkaTopicName.isValid(record.topic) else { return refusal(of: record.topic) }
            guard queued < Self.maximumQueuedRecords, backlog.bytes + record.queuedBytes <= Self.maximumQueuedBytes
            else { return queueFull() }
            backlog.hold(pending, Record(record))
        case .serving:
            guard let client, let topic = client.handle(ofTopic: record.topic) else {
                return refusal(of: record.topic)
            }
            let code = client.produce(record, to: topic, pending)
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: break
            case RD_KAFKA_RESP_ERR__QUEUE_FULL: return queueFull()
            case RD_KAFKA_RESP_ERR__FATAL:
                backlog.hold(pending, Record(record))
                beginReplacement()
            default: return DeliveryFailure(code, of: Record(record))
            }
        }
        nextSequence += 1
        flushes.sent()
        return nil
    }

    /// Completes when every record sent before has been settled, one way or the other.
    package func flush() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        return flushes.flush(on: eventLoop)
    }

    /// Waits up to 5 s for the broker's answers, settles what is left with a failure, and closes.
    package func stop() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        if let stopped { return stopped.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        stopped = promise
        // What waits for a new client would need one that is not made any more.
        let abandoned = backlog.takeAll()
        phase = .stopping
        for (pending, _) in abandoned {
            settle(pending, DeliveryFailure("the Kafka producer stopped before it could send"))
        }
        if isClientEmpty {
            finishStop()
        } else {
            stopTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.stopTimeout) { [weak self] in
                self?.abandon()
            }
        }
        return promise.futureResult
    }

    private func abandon() {
        guard phase == .stopping, let client else { return }
        log.warning("\(client.queued) records had no answer from the broker when the producer stopped")
        client.purge()
        schedulePoll()
    }

    private func finishStop() {
        phase = .stopped
        stopTimer?.cancel()
        pollTimer?.cancel()
        disconnect()
        monitor.stopped()
        stopped?.succeed()
    }

    /// Records that no broker has answered for yet.
    package var queued: Int {
        eventLoop.preconditionInEventLoop()
        return (client?.queued ?? 0) + backlog.count
    }

    private var isClientEmpty: Bool { client.map { $0.queued == 0 } ?? true }

    private func refusal(of topic: String) -> DeliveryFailure {
        DeliveryFailure("\(topic.debugDescription) is not a topic name that Kafka allows", isPermanent: true)
    }

    private func queueFull() -> DeliveryFailure {
        DeliveryFailure(
            "the Kafka send queue is full (at most \(Self.maximumQueuedRecords) records or "
                + "\(Self.maximumQueuedBytes >> 20) MiB wait for the broker)", isOverload: true)
    }

    // MARK: - Answers

    private func schedulePoll() {
        guard !isPollScheduled else { return }
        isPollScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.isPollScheduled = false
            self?.poll()
        }
    }

    private func schedulePollTimer() {
        pollTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.pollInterval) { [weak self] in
            guard let self, phase != .stopped else { return }
            poll()
            schedulePollTimer()
        }
    }

    private func poll() {
        guard let client, !isPollScheduled else { return }
        handledReports = 0
        client.poll()
        if handledReports > 0 { monitor.active(at: Timestamp.now()) }
        if handledReports >= Self.batch { schedulePoll() }
        if isClientEmpty { clientIsEmpty() }
    }

    private func clientIsEmpty() {
        switch phase {
        case .serving, .stopped: break
        case .replacing: replace()
        case .stopping: finishStop()
        }
    }

    private func settle(_ pending: PendingRecord, _ failure: DeliveryFailure?) {
        flushes.settled(pending.flushEpoch)
        pending.receipt?.settle(failure)
        while let promise = flushes.completed() { promise.succeed() }
    }

    // MARK: - Replacement

    /// An idempotent client that lost track of its sequence numbers is dead in librdkafka 2.0.2. All it has is called
    /// back, and goes to a new client in the order in which it was sent. A record whose answer was lost may then be
    /// there twice.
    private func beginReplacement() {
        guard phase == .serving else { return }
        phase = .replacing
        log.warning("the producer failed for good; a new one sends what is unsettled")
        eventLoop.assumeIsolated().execute { [weak self] in
            guard let self, phase == .replacing, let client else { return }
            client.purge()
            schedulePoll()
        }
    }

    private func replace() {
        disconnect()
        do {
            try connect()
        } catch {
            log.warning("\(error.description); trying again")
            eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
                guard let self, phase == .replacing else { return }
                replace()
            }
            return
        }
        phase = .serving
        for (pending, record) in backlog.takeAll() {
            var code = RD_KAFKA_RESP_ERR__STATE
            if let client, let topic = client.handle(ofTopic: record.topic) {
                code = record.withView { client.produce($0, to: topic, pending) }
            }
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            settle(pending, DeliveryFailure(code, of: record))
        }
    }

    /// Makes the client fail as a lost sequence of an idempotent producer does: a fault for tests.
    package func injectFatalError() {
        eventLoop.preconditionInEventLoop()
        client?.injectFatalError()
    }
}

extension KafkaProducer: KafkaClientOwner {
    func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {
        guard let client, let pending = client.takePending(message.pointee) else { return }
        handledReports += 1
        if handledReports == Self.batch { client.endPoll() }
        let code = message.pointee.err
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return settle(pending, nil) }
        if code == RD_KAFKA_RESP_ERR__FATAL { beginReplacement() }
        let record = Record(message, partition: pending.partition)
        switch phase {
        case .replacing:
            backlog.hold(pending, record)
        case .serving:
            settle(pending, DeliveryFailure(code, of: record))
        case .stopping, .stopped:
            settle(pending, DeliveryFailure("Kafka topic \(record.topic): stopped before the broker answered"))
        }
    }

    func clientFailed(_ code: rd_kafka_resp_err_t, reason: String) {
        if code == RD_KAFKA_RESP_ERR__FATAL { beginReplacement() }
        monitor.failed(code, reason: reason)
    }

    func statistics(_ json: UnsafePointer<CChar>) {
        monitor.statistics(json)
    }

    func logged(severity: Int, facility: String, text: String) {
        log.line(severity: severity, facility: facility, text: text)
    }
}
