internal import CRdkafka

/// The current assignment, empty between two, and which of its partitions a message is of.
final class PartitionTable {
    private(set) var all: [AssignedPartition] = []
    /// By librdkafka's topic object and the partition's number, as messages carry them.
    private var ofMessage: [Key: AssignedPartition] = [:]
    private var last: (key: Key, partition: AssignedPartition?)?

    private struct Key: Hashable {
        var topic: OpaquePointer
        var number: Int32
    }

    /// Messages of some partition are handled and not settled.
    var isBusy: Bool { all.contains { $0.outstanding > 0 } }

    func add(_ partition: AssignedPartition) {
        all.append(partition)
    }

    /// librdkafka may give the address of a topic object to another one once no partition of it is assigned, so that
    /// nothing is known of messages after that.
    func replace(with partitions: [AssignedPartition]) {
        all = partitions
        ofMessage = [:]
        last = nil
    }

    /// nil: it is not assigned.
    func partition(_ number: Int32, of topic: String) -> AssignedPartition? {
        all.first { $0.number == number && $0.topic == topic }
    }

    /// Those of librdkafka's list that are assigned.
    func partitions(in list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [AssignedPartition] {
        guard let list, let entries = list.pointee.elems else { return [] }
        return UnsafeBufferPointer(start: entries, count: Int(list.pointee.cnt)).compactMap {
            partition($0.partition, of: String(cString: $0.topic))
        }
    }

    /// nil: of an assignment that ended.
    func partition(of message: rd_kafka_message_t) -> AssignedPartition? {
        guard let topic = message.rkt else { return nil }
        let key = Key(topic: topic, number: message.partition)
        if let last, last.key == key { return last.partition }
        if ofMessage[key] == nil {
            ofMessage[key] = partition(key.number, of: String(cString: rd_kafka_topic_name(topic)))
        }
        let found = ofMessage[key]
        last = (key, found)
        return found
    }
}

extension [AssignedPartition] {
    /// librdkafka's list of these partitions, in the same order, and its entries.
    func withLibrdkafkaList(
        _ body: (
            UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, UnsafeMutablePointer<rd_kafka_topic_partition_t>
        ) -> Void
    ) {
        guard let list = rd_kafka_topic_partition_list_new(CInt(count)) else { return }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in self { rd_kafka_topic_partition_list_add(list, partition.topic, partition.number) }
        guard let entries = list.pointee.elems else { return }
        body(list, entries)
    }
}
