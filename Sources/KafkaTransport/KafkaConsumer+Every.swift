internal import CRdkafka

/// Consuming without a group (`KafkaSettings.Assignment.every`): all partitions of the topics, assigned by this consumer
/// itself.
///
/// A topic that is there at the first look is read from its end on, one that appears later from its beginning, as are
/// partitions that are added: from its start on the consumer gets every message, and nothing from before. There is no
/// group to wait for, nobody to share with, and nothing is committed.
extension KafkaConsumer {
    func applyWithoutGroup(_ topics: Set<String>) {
        subscription = topics
        lookedAt.formIntersection(topics)
        unassign(partitions.filter { !topics.contains($0.topic) })
        look()
    }

    /// Finds out which partitions there are, and assigns the new ones.
    private func look() {
        guard phase == .serving, !subscription.isEmpty, let client else { return lookout.rest() }
        lookout.ask(client, of: subscription.sorted()) { [weak self] counts in self?.looked(counts) }
    }

    private func looked(_ counts: [String: Int32]) {
        guard phase == .serving else { return }
        if !counts.isEmpty { monitor.up() }
        for (topic, count) in counts.sorted(by: { $0.key < $1.key }) where subscription.contains(topic) {
            assign(topic, count: count)
        }
        lookout.askAgain { [weak self] in self?.look() }
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
            return refused("consuming \(topic)", error)
        }
        for number in added {
            assigned.add(
                AssignedPartition(
                    topic: topic, number: number, windowMessages: windowMessages, client: client, owner: self))
        }
    }

    private func unassign(_ leaving: [AssignedPartition]) {
        guard let handle, !leaving.isEmpty else { return }
        window.resume(leaving)
        letGo(leaving)
        leaving.withLibrdkafkaList { list, _ in
            if let error = rd_kafka_incremental_unassign(handle, list) { refused("the end of a subscription", error) }
        }
    }
}
