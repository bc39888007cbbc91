internal import AgentModel
internal import CRdkafka

/// A record as librdkafka fetched it; its bytes stay in the library's buffer until the object is let go.
///
/// A record without a value (a tombstone) has a `payload` without a base address; an empty value has one.
final class KafkaMessage: InboundMessage {
    private let message: UnsafeMutablePointer<rd_kafka_message_t>
    private let assignment: AssignedPartition
    private let sequence: Int
    private var isSettled = false

    /// Takes over `message`.
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, assignment: AssignedPartition) {
        self.message = message
        self.assignment = assignment
        sequence = assignment.deliver(
            offset: message.pointee.offset, bytes: message.pointee.len + message.pointee.key_len)
    }

    deinit {
        if !isSettled { assignment.release() }
        rd_kafka_message_destroy(message)
    }

    var origin: MessageOrigin { assignment.origin }
    var offset: Int64 { message.pointee.offset }
    var isTombstone: Bool { message.pointee.payload == nil }
    var isCurrent: Bool { assignment.state == .active }

    var payload: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len)
    }

    var key: UnsafeRawBufferPointer? {
        message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
    }

    /// Milliseconds since 1970; -1 for a record of a format that has none.
    var timestamp: Int64 { rd_kafka_message_timestamp(message, nil) }

    /// Parsed by the library at the first reading.
    var headers: [MessageHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        return [MessageHeader](librdkafka: list)
    }

    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {
        body(.partition, .integer(Int64(partition)))
        body(.offset, .integer(offset))
        if let key { body(.key, .bytes(key)) }
        body(.headers, .headers(headers))
        body(.headerList, .headerList(headers))
    }

    func acknowledge() {
        guard !isSettled else { return }
        isSettled = true
        assignment.settle(sequence, bytes: message.pointee.len + message.pointee.key_len)
    }
}
