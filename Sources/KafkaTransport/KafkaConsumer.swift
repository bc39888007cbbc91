package import AgentModel
internal import CRdkafka
package import Logging
package import NIOCore

/// Consumes Kafka topics for one worker, on its event loop.
///
/// A message's offset is committed once it and every message before it in its partition are acknowledged; what is not
/// acknowledged is delivered again, to this consumer after a restart or to another of the group. Nothing here
/// blocks the loop, and a broker that is away shows in the `ConnectionStatus` and nowhere else.
///
/// The first assignment of a group takes the broker's `group.initial.rebalance.delay.ms`: 3 s on most brokers and
/// always on the embedded cluster. Being ready does not wait for it: what is produced meanwhile is there when the
/// assignment comes.
package final class KafkaConsumer {
    /// Messages taken from librdkafka before the loop gets its turn.
    static let batch = 256
    /// Nanoseconds for which messages are delivered before the loop looks at its sockets.
    static let longestTurn: Int64 = 20_000_000
    /// Time to `rd_kafka_consumer_poll` although nothing woke the loop: far within `max.poll.interval.ms`.
    static let pollInterval = TimeAmount.seconds(1)
    /// How long `stop` waits for the last commit and for leaving the group.
    static let closeTimeout = TimeAmount.seconds(5)

    enum Phase {
        case serving
        /// No message is delivered any more; what runs may settle.
        case draining
        case closing
        case closed
    }

    let eventLoop: any EventLoop
    let log: KafkaLog
    let monitor: ConnectionMonitor
    let windowMessages: Int
    /// What handlers in flight get before their partitions go. The group waits meanwhile: on a broker for as long as
    /// `max.poll.interval.ms`, on the mock cluster for its session timeout less a second.
    let revocationTimeout: TimeAmount
    var receiver: (any MessageReceiver)?
    var client: KafkaClient?
    var wakeup: QueueWakeup?
    var phase = Phase.serving
    var subscription: Set<String> = []

    let assigned: PartitionTable
    let window: FetchWindow
    let offsets: OffsetStore
    /// Of the present assignment, or of a part of it; nil: nothing is about to be given up. See `KafkaConsumer+Rebalance`.
    var revocation: Revocation?
    /// Partitions come and go while the others are consumed.
    let isCooperative: Bool
    /// The subscription that follows the revocation.
    var nextSubscription: Set<String>?

    /// Without a group; see `KafkaConsumer+Every`.
    let assignsEvery: Bool
    /// Topics whose partitions were looked for once.
    var lookedAt: Set<String> = []
    let lookout: TopicLookout

    var isPollScheduled = false
    /// Since when, by the `CoarseClock`, messages have been delivered without a look at the sockets.
    var busySince: Int64?
    var pollTimer: Scheduled<Void>?
    var closeQueue: OpaquePointer?
    var closeTimer: Scheduled<Void>?
    var closed: EventLoopPromise<Void>?

    /// Makes the client; it connects by itself. Call it on `eventLoop`, a loop of a `MultiThreadedEventLoopGroup`.
    ///
    /// - Parameter receiver: gets the messages; held until the consumer has stopped.
    /// - Throws: `KafkaError` for a setting that librdkafka refuses; never because a broker is away.
    package init(
        settings: KafkaSettings, eventLoop: any EventLoop, receiver: any MessageReceiver, status: ConnectionStatus,
        logger: Logger
    ) throws(KafkaError) {
        eventLoop.preconditionInEventLoop()
        self.eventLoop = eventLoop
        self.receiver = receiver
        windowMessages = settings.windowMessages
        assignsEvery = settings.assignment == .every
        isCooperative = settings.isCooperative
        revocationTimeout = settings.isEmbedded ? .milliseconds(1500) : .seconds(3)
        log = KafkaLog(logger: logger, clientID: settings.clientID)
        monitor = ConnectionMonitor(status: status, log: log)
        assigned = PartitionTable()
        lookout = TopicLookout(eventLoop: eventLoop)
        window = FetchWindow(eventLoop: eventLoop, log: log)
        offsets = OffsetStore(of: assigned, eventLoop: eventLoop, log: log)
        let client = try KafkaClient(settings: settings, role: .consumer, owner: self)
        self.client = client
        window.open(client) { [weak self] in self?.schedulePoll() }
        offsets.open(client)
        rd_kafka_poll_set_consumer(client.handle)
        let wakeup = try QueueWakeup(eventLoop: eventLoop) { [weak self] in self?.poll() }
        self.wakeup = wakeup
        if let queue = rd_kafka_queue_get_consumer(client.handle) { wakeup.watch(queue) }
        schedulePoll()
        schedulePollTimer()
    }

    /// nil once closed.
    var handle: OpaquePointer? { client?.handle }

    /// The current assignment, empty between two.
    var partitions: [AssignedPartition] { assigned.all }

    /// Consumes exactly these topics from now on; the empty set leaves the group.
    ///
    /// May be called again at any time: what runs settles before its partition is given up. A topic that does not exist
    /// yet is consumed from its first message once it does.
    package func subscribe(to topics: Set<String>) {
        eventLoop.preconditionInEventLoop()
        guard phase == .serving else { return }
        let valid = topics.filter(KafkaTopicName.isValid)
        for name in topics.subtracting(valid) {
            log.warning("not subscribed to \(name): not a topic name that Kafka allows")
        }
        guard valid != nextSubscription ?? subscription else { return }
        if assignsEvery { return applyWithoutGroup(valid) }
        if revocation != nil || (assigned.isBusy && !isCooperative) {
            nextSubscription = valid
            drainBeforeSubscribing()
        } else {
            apply(valid)
        }
    }

    func apply(_ topics: Set<String>) {
        guard let handle else { return }
        subscription = topics
        let code: rd_kafka_resp_err_t
        if topics.isEmpty {
            code = rd_kafka_unsubscribe(handle)
        } else {
            let list = rd_kafka_topic_partition_list_new(CInt(topics.count))
            for topic in topics.sorted() { rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA) }
            code = rd_kafka_subscribe(handle, list)
            rd_kafka_topic_partition_list_destroy(list)
        }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("the subscription was refused: \(code.text)") }
    }

    /// Delivers no further message, for good: the beginning of a drain, which `stop` ends.
    package func pauseIntake() {
        eventLoop.preconditionInEventLoop()
        guard phase == .serving else { return }
        phase = .draining
        window.unblock()
        window.pause(partitions)
    }

    /// Commits what is settled, leaves the group and closes; unsettled messages are delivered again elsewhere.
    ///
    /// Handlers are drained before, by the caller. Completes within 5 s, whatever the broker does.
    package func stop() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        if let closed { return closed.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        closed = promise
        phase = .closing
        window.unblock()
        nextSubscription = nil
        if revocation?.cause == .byGroup { confirmRevocation() }
        offsets.storeNow()
        closeTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeout) { [weak self] in
            self?.log.warning("the broker did not answer the last commit; leaving without it")
            self?.finishClose()
        }
        guard let handle, let wakeup, let queue = rd_kafka_queue_new(handle) else {
            finishClose()
            return promise.futureResult
        }
        closeQueue = queue
        wakeup.watch(queue)
        if let error = rd_kafka_consumer_close_queue(handle, queue) {
            log.warning("not closed: \(String(cString: rd_kafka_error_string(error)))")
            rd_kafka_error_destroy(error)
            finishClose()
        } else {
            schedulePoll()
        }
        return promise.futureResult
    }

    func finishClose() {
        guard phase != .closed else { return }
        phase = .closed
        for timer in [closeTimer, pollTimer] { timer?.cancel() }
        lookout.rest()
        letGo(partitions)
        window.close()
        offsets.close()
        closeQueue = nil
        wakeup?.close()
        wakeup = nil
        client = nil
        receiver = nil
        monitor.stopped()
        closed?.succeed()
    }

    /// How far behind one partition is.
    package struct Lag: Sendable, Equatable {
        package let topic: String
        package let partition: Int32
        /// Messages in the partition from the first that is not settled, as far as the last fetch knows its end; nil: not
        /// known yet, as nothing was delivered in this assignment.
        package let messages: Int64?
        /// Messages handed to the worker and not acknowledged by it.
        package let unacknowledged: Int
        package let isPaused: Bool
        /// Seconds, to the time between two calls.
        package let oldestAge: Double
    }

    /// One entry for each assigned partition, from what the client knows without asking a broker.
    package func lag() -> [Lag] {
        eventLoop.preconditionInEventLoop()
        guard let handle else { return [] }
        return partitions.map { partition in
            var low: Int64 = -1
            var high: Int64 = -1
            let code = rd_kafka_get_watermark_offsets(handle, partition.topic, partition.number, &low, &high)
            let isKnown = code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0
            return Lag(
                topic: partition.topic, partition: partition.number,
                messages: isKnown ? partition.watermark.firstUnsettled.map { max(0, high - $0) } : nil,
                unacknowledged: partition.outstanding, isPaused: partition.isPaused,
                oldestAge: partition.oldestAge(at: CoarseClock.now()))
        }
    }

    /// The partitions assigned now.
    package var assignment: [(topic: String, partition: Int32)] {
        eventLoop.preconditionInEventLoop()
        return partitions.map { ($0.topic, $0.number) }
    }
}
