import AgentModel
import NIOCore

/// A message that a test delivers.
final class TestMessage: InboundMessage {
    let source: TransportName
    let topic: String
    let payload: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer?
    let headers: [MessageHeader]
    let timestamp: Int64
    let partition: Int32
    let offset: Int64
    let qos: Int
    let retain: Bool
    var isCurrent: Bool { true }
    private(set) var isAcknowledged = false

    /// A nil `value` is a Kafka tombstone.
    init(
        source: TransportName, topic: String, value: ByteBuffer?, key: ByteBuffer?, headers: [MessageHeader],
        timestamp: Int64, partition: Int32, offset: Int64, qos: Int, retain: Bool
    ) {
        self.source = source
        self.topic = topic
        payload = value.map(Self.copy) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.key = key.map(Self.copy)
        self.headers = headers
        self.timestamp = timestamp
        self.partition = partition
        self.offset = offset
        self.qos = qos
        self.retain = retain
    }

    deinit {
        payload.baseAddress?.deallocate()
        key?.baseAddress?.deallocate()
    }

    func acknowledge() { isAcknowledged = true }

    /// Never without an address: an empty payload is not the same as none.
    private static func copy(_ bytes: ByteBuffer) -> UnsafeRawBufferPointer {
        let count = bytes.readableBytes
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 1)
        bytes.withUnsafeReadableBytes { memory.copyMemory(from: $0) }
        return UnsafeRawBufferPointer(rebasing: memory[..<count])
    }
}
