internal import CRdkafka
internal import NIOCore
internal import NIOPosix

/// Consuming without a group (`KafkaSettings.Assignment.every`): all partitions of the topics, assigned by this consumer
/// itself.
///
/// A topic that is there at the first look is read from its end on, one that appears later from its beginning, as are
/// partitions that are added: from its start on the consumer gets every message, and nothing from before. There is no
/// group to wait for, nobody to share with, and nothing is committed.
extension KafkaConsumer {
    /// Between two looks at which partitions there are.
    private static let lookInterval = TimeAmount.seconds(2)
    /// How long a broker may take to answer one topic's look, in milliseconds.
    private static let lookTimeout: CInt = 2000

    func applyWithoutGroup(_ topics: Set<String>) {
        subscription = topics
        lookedAt.formIntersection(topics)
        unassign(partitions.filter { !topics.contains($0.topic) })
        look()
    }

    /// Finds out which partitions there are, off the loop since librdkafka's question blocks, and assigns the new ones.
    private func look() {
        lookTimer?.cancel()
        guard phase == .serving, !isLooking, !subscription.isEmpty, let client else { return }
        isLooking = true
        let topics = subscription.sorted()
        let asked = AskedClient(client: client)
        let promise = eventLoop.makePromise(of: [String: Int32].self)
        NIOThreadPool.singleton.submit { _ in
            promise.succeed(asked.partitionCounts(of: topics, timeout: Self.lookTimeout))
        }
        promise.futureResult.assumeIsolated().whenSuccess { [weak self] counts in self?.looked(counts) }
    }

    private func looked(_ counts: [String: Int32]) {
        isLooking = false
        guard phase == .serving else { return }
        if !counts.isEmpty { monitor.up() }
        for (topic, count) in counts.sorted(by: { $0.key < $1.key }) where subscription.contains(topic) {
            assign(topic, count: count)
        }
        lookTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.lookInterval) { [weak self] in self?.look() }
    }

    /// `count` is 0 for a topic that is not there.
    private func assign(_ topic: String, count: Int32) {
        let isFirstLook = lookedAt.insert(topic).inserted
        let known = Set(partitions.filter { $0.topic == topic }.map(\.number))
        let added = (0..<max(count, 0)).filter { !known.contains($0) }
        guard let handle, let client, !added.isEmpty,
            let list = rd_kafka_topic_partition_list_new(CInt(added.count))
        else { return }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for number in added {
            let entry = rd_kafka_topic_partition_list_add(list, topic, number)
            entry?.pointee.offset = isFirstLook ? Int64(RD_KAFKA_OFFSET_END) : Int64(RD_KAFKA_OFFSET_BEGINNING)
        }
        if let error = rd_kafka_incremental_assign(handle, list) {
            log.warning("\(topic) is not consumed: \(String(cString: rd_kafka_error_string(error)))")
            rd_kafka_error_destroy(error)
            return
        }
        for number in added {
            assigned.add(
                AssignedPartition(
                    topic: topic, number: number, windowMessages: windowMessages, client: client, owner: self))
        }
    }

    private func unassign(_ leaving: [AssignedPartition]) {
        guard let handle, !leaving.isEmpty, let list = rd_kafka_topic_partition_list_new(CInt(leaving.count)) else {
            return
        }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        window.resume(leaving)
        for partition in leaving {
            rd_kafka_topic_partition_list_add(list, partition.topic, partition.number)
            partition.endRevocation()
        }
        assigned.replace(with: partitions.filter { $0.state == .active })
        window.unblock()
        if let error = rd_kafka_incremental_unassign(handle, list) {
            log.warning("topics are still fetched: \(String(cString: rd_kafka_error_string(error)))")
            rd_kafka_error_destroy(error)
        }
    }
}

/// A client on a thread that only asks it for metadata, which librdkafka allows from any thread.
private struct AskedClient: @unchecked Sendable {
    let client: KafkaClient

    /// Topics that no broker told of in time are missing; a topic that is not there has 0 partitions.
    func partitionCounts(of topics: [String], timeout: CInt) -> [String: Int32] {
        var counts: [String: Int32] = [:]
        for name in topics {
            guard let topic = rd_kafka_topic_new(client.handle, name, nil) else { continue }
            defer { rd_kafka_topic_destroy(topic) }
            var metadata: UnsafePointer<rd_kafka_metadata>?
            guard rd_kafka_metadata(client.handle, 0, topic, &metadata, timeout) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let metadata
            else { break }
            defer { rd_kafka_metadata_destroy(metadata) }
            guard metadata.pointee.topic_cnt > 0 else { continue }
            switch metadata.pointee.topics[0].err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: counts[name] = metadata.pointee.topics[0].partition_cnt
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: counts[name] = 0
            default: continue
            }
        }
        return counts
    }
}
