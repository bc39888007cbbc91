internal import CRdkafka
internal import NIOCore

/// Hands advanced positions to librdkafka, which commits them once a second and when a partition is given up.
final class OffsetStore {
    /// Delay from an acknowledgement to its offset in librdkafka's store.
    private static let delay = TimeAmount.milliseconds(50)

    private let partitions: PartitionTable
    private let eventLoop: any EventLoop
    private let log: KafkaLog
    /// nil: not open, or closed.
    private var client: KafkaClient?
    private var timer: Scheduled<Void>?

    init(of partitions: PartitionTable, eventLoop: any EventLoop, log: KafkaLog) {
        self.partitions = partitions
        self.eventLoop = eventLoop
        self.log = log
    }

    func open(_ client: KafkaClient) {
        self.client = client
    }

    func close() {
        timer?.cancel()
        client = nil
    }

    /// The position of `partition` has advanced; it is stored with others' soon.
    func advanced(_ partition: AssignedPartition) {
        guard !partition.isDirty else { return }
        partition.isDirty = true
        guard timer == nil else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(in: Self.delay) { [weak self] in
            self?.timer = nil
            self?.storeNow()
        }
    }

    func storeNow() {
        guard let client else { return }
        let dirty = partitions.all.filter(\.isDirty)
        guard !dirty.isEmpty else { return }
        dirty.withLibrdkafkaList { list, entries in
            for (index, partition) in dirty.enumerated() {
                entries[index].offset = partition.watermark.position ?? Int64(RD_KAFKA_OFFSET_INVALID)
                partition.isDirty = false
            }
            let code = rd_kafka_offsets_store(client.handle, list)
            // ERR__STATE: no longer assigned; whoever has the partition now handles the messages again.
            if code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__STATE {
                log.warning("offsets were not stored: \(code.text)")
            }
        }
    }
}
