internal import CRdkafka
internal import NIOCore

/// Holds up the polling, or pauses a partition, while as many messages as are allowed wait for settlement.
final class FetchWindow {
    /// How long a partition whose window is full may hold up the others before it is paused. Pausing throws away
    /// what librdkafka fetched ahead, so a short wait for acknowledgements is the cheaper one.
    private static let patience = TimeAmount.milliseconds(50)

    private let eventLoop: any EventLoop
    private let log: KafkaLog
    /// nil: not open, or closed.
    private var client: KafkaClient?
    private var onUnblocked: (() -> Void)?
    /// The partition whose full window holds up the polling.
    private var blockedOn: AssignedPartition?
    private var timer: Scheduled<Void>?

    init(eventLoop: any EventLoop, log: KafkaLog) {
        self.eventLoop = eventLoop
        self.log = log
    }

    /// - Parameter onUnblocked: called when the polling may go on.
    func open(_ client: KafkaClient, onUnblocked: @escaping () -> Void) {
        self.client = client
        self.onUnblocked = onUnblocked
    }

    func close() {
        unblock()
        client = nil
        onUnblocked = nil
    }

    /// Nothing is to be polled.
    var isBlocked: Bool { blockedOn != nil }

    /// A message of `partition` was delivered, which may fill its window.
    func delivered(to partition: AssignedPartition) {
        guard partition.isFull, partition.state == .active, !partition.isPaused else { return }
        if partition.isSlow { return pause([partition]) }
        blockedOn = partition
        timer = eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in
            guard let self, let partition = blockedOn else { return }
            unblock()
            if partition.state == .active { pause([partition]) }
        }
    }

    /// A message of `partition` was acknowledged, which may make room.
    ///
    /// - Parameter isServing: messages are still wanted.
    func settled(_ partition: AssignedPartition, isServing: Bool) {
        if blockedOn === partition {
            if partition.hasRoom(eighths: 6) { unblock() }
        } else if partition.isPaused, partition.state == .active, isServing, partition.hasRoom(eighths: 4) {
            resume([partition])
        }
        if partition.isSlow, !partition.isPaused, partition.watermark.count == 0 { partition.isSlow = false }
    }

    func unblock() {
        guard blockedOn != nil else { return }
        blockedOn = nil
        timer?.cancel()
        timer = nil
        onUnblocked?()
    }

    func pause(_ partitions: [AssignedPartition]) {
        let pausing = partitions.filter { !$0.isPaused }
        guard !pausing.isEmpty, let client else { return }
        pausing.withLibrdkafkaList { list, _ in
            let code = rd_kafka_pause_partitions(client.handle, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("partitions were not paused: \(code.text)") }
        }
        for partition in pausing {
            partition.isPaused = true
            partition.isSlow = true
        }
    }

    func resume(_ partitions: [AssignedPartition]) {
        let resuming = partitions.filter(\.isPaused)
        guard !resuming.isEmpty, let client else { return }
        resuming.withLibrdkafkaList { list, _ in
            let code = rd_kafka_resume_partitions(client.handle, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("partitions were not resumed: \(code.text)") }
        }
        for partition in resuming { partition.isPaused = false }
    }
}
