import AgentModel
import NIOCore

/// A message that a test delivers.
final class TestMessage: InboundMessage {
    let origin: MessageOrigin
    let payload: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer?
    let headers: [MessageHeader]
    let timestamp: Int64
    let offset: Int64
    let isTombstone: Bool
    private let qos: Int
    private let retain: Bool
    var isCurrent: Bool { true }
    private(set) var isAcknowledged = false

    /// A nil `value` is a tombstone where the transport has such a thing, else empty.
    init(
        _ transport: TransportTraits, topic: String, value: ByteBuffer?, _ fields: MessageFields, offset: Int64,
        timestamp: Int64
    ) {
        origin = MessageOrigin(transport, topic: topic, partition: transport.hasFilters ? 0 : fields.partition)
        self.timestamp = timestamp
        isTombstone = value == nil && !transport.hasFilters
        payload = isTombstone ? UnsafeRawBufferPointer(start: nil, count: 0) : Self.copy(value ?? ByteBuffer())
        key = fields.key.map(Self.copy)
        headers = fields.headers
        self.offset = transport.hasFilters ? -1 : offset
        qos = fields.qos
        retain = fields.retain
    }

    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {
        if transport.hasFilters {
            body(.qos, .integer(Int64(qos)))
            body(.retain, .flag(retain))
        } else {
            body(.partition, .integer(Int64(partition)))
            body(.offset, .integer(offset))
            if let key { body(.key, .bytes(key)) }
            body(.headers, .headers(headers))
            body(.headerList, .headerList(headers))
        }
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
