package import AgentModel
internal import CRdkafka
package import NIOCore

/// What is kept of a record from `send` to the broker's answer. The bytes are librdkafka's meanwhile, and its delivery
/// report gives them back, so that a record whose client failed can be sent again.
final class PendingRecord {
    let receipt: DeliveryReceipt?
    /// Order of sending.
    let sequence: Int
    /// Which `flush` waits for it.
    let flushEpoch: Int
    /// As it was asked for, where the report has the one that was chosen.
    let partition: Int32?

    init(receipt: DeliveryReceipt?, sequence: Int, flushEpoch: Int, partition: Int32?) {
        self.receipt = receipt
        self.sequence = sequence
        self.flushEpoch = flushEpoch
        self.partition = partition
    }
}

extension Record {
    /// A Kafka record; without a partition the partitioner chooses, by the key's hash where there is a key.
    package init(
        topic: String, key: ByteBuffer? = nil, value: ByteBuffer?, headers: [MessageHeader] = [], partition: Int32?
    ) {
        let options = partition.map { [Option("partition", .integer(Int64($0)))] } ?? []
        self.init(topic: topic, key: key, value: value, headers: headers, options: options)
    }

    /// The partition that it is for; nil: the partitioner chooses.
    package var partition: Int32? { integer("partition").map { Int32($0) } }

    /// Bytes that count towards the queue's limit.
    var queuedBytes: Int { (key?.readableBytes ?? 0) + (value?.readableBytes ?? 0) }

    /// The record of a delivery report, to be sent to `partition`.
    init(_ message: UnsafePointer<rd_kafka_message_t>, partition: Int32?) {
        let report = message.pointee
        var list: OpaquePointer?
        rd_kafka_message_headers(message, &list)
        self.init(
            topic: report.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "",
            key: report.key.map { ByteBuffer(bytes: UnsafeRawBufferPointer(start: $0, count: report.key_len)) },
            value: report.payload.map { ByteBuffer(bytes: UnsafeRawBufferPointer(start: $0, count: report.len)) },
            headers: list.map { [MessageHeader](librdkafka: $0) } ?? [], partition: partition)
    }
}

extension RecordView {
    /// The partition that it is for; nil: the partitioner chooses.
    var partition: Int32? { integer("partition").map { Int32($0) } }

    /// Bytes that count towards the queue's limit.
    var queuedBytes: Int { (key?.count ?? 0) + (value?.count ?? 0) }
}
