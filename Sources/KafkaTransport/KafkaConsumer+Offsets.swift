internal import CRdkafka
internal import NIOCore

extension KafkaConsumer {
    func scheduleStore() {
        guard storeTimer == nil else { return }
        storeTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.storeDelay) { [weak self] in
            self?.storeTimer = nil
            self?.storeOffsets()
        }
    }

    /// Hands the advanced positions to librdkafka, which commits them once a second and when a partition is given up.
    func storeOffsets() {
        guard let handle else { return }
        let dirty = partitions.filter(\.isDirty)
        guard !dirty.isEmpty else { return }
        withList(of: dirty) { list, entries in
            for (index, partition) in dirty.enumerated() {
                entries[index].offset = partition.watermark.position ?? Int64(RD_KAFKA_OFFSET_INVALID)
                partition.isDirty = false
            }
            let code = rd_kafka_offsets_store(handle, list)
            // ERR__STATE: no longer assigned; whoever has the partition now handles the messages again.
            if code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__STATE {
                log.warning("offsets were not stored: \(code.text)")
            }
        }
    }

    func withList(
        of partitions: [AssignedPartition],
        _ body: (
            UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, UnsafeMutablePointer<rd_kafka_topic_partition_t>
        ) -> Void
    ) {
        guard let list = rd_kafka_topic_partition_list_new(CInt(partitions.count)) else { return }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in partitions {
            rd_kafka_topic_partition_list_add(list, partition.topic, partition.number)
        }
        guard let entries = list.pointee.elems else { return }
        body(list, entries)
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
                unacknowledged: partition.outstanding)
        }
    }

    /// The partitions assigned now.
    package var assignment: [(topic: String, partition: Int32)] {
        eventLoop.preconditionInEventLoop()
        return partitions.map { ($0.topic, $0.number) }
    }
}
