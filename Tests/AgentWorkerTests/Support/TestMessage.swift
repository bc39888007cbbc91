import AgentModel

/// A message that no broker sent; it counts how often it was acknowledged.
final class TestMessage: InboundMessage {
    let source: TransportName
    let topic: String
    let payload: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer?
    let headers: [MessageHeader]
    let timestamp: Int64 = 1_767_323_045_678
    let partition: Int32
    let offset: Int64
    let qos: Int
    let retain = false
    var isCurrent = true
    private(set) var acknowledgements = 0
    var onAcknowledge: () -> Void = {}

    /// Without a payload it is a tombstone, or an empty MQTT message.
    init(
        _ topic: String, _ payload: String?, source: TransportName = .kafka, key: String? = nil,
        headers: [MessageHeader] = [], partition: Int32 = 0, offset: Int64 = 0
    ) {
        self.topic = topic
        self.source = source
        self.payload = payload.map(Self.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.key = key.map(Self.bytes)
        self.headers = headers
        self.partition = partition
        // MQTT has no such thing.
        self.offset = source == .mqtt ? -1 : offset
        qos = source == .mqtt ? 1 : 0
    }

    deinit {
        payload.deallocate()
        key?.deallocate()
    }

    var isAcknowledged: Bool { acknowledgements > 0 }

    func acknowledge() {
        acknowledgements += 1
        onAcknowledge()
    }

    private static func bytes(_ text: String) -> UnsafeRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(text.utf8.count, 1), alignment: 1)
        bytes.copyBytes(from: text.utf8)
        return UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count])
    }
}
