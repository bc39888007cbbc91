internal import AgentModel
internal import NIOCore

/// A record from `send` to the broker's answer, and across a replacement of the client.
final class PendingRecord {
    let record: KafkaRecord
    let receipt: DeliveryReceipt?
    /// Order of sending.
    let sequence: Int
    /// Which `flush` waits for it.
    let flushEpoch: Int

    init(record: KafkaRecord, receipt: DeliveryReceipt?, sequence: Int, flushEpoch: Int) {
        self.record = record
        self.receipt = receipt
        self.sequence = sequence
        self.flushEpoch = flushEpoch
    }

    /// Bytes that count towards the queue's limit.
    var bytes: Int { (record.key?.readableBytes ?? 0) + (record.value?.readableBytes ?? 0) }
}
