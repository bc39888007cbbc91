import AgentModel

/// A message that no broker sent; it counts how often it was acknowledged.
final class TestMessage: InboundMessage {
    let origin: MessageOrigin
    let payload: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer?
    let headers: [MessageHeader]
    let timestamp: Int64 = 1_767_323_045_678
    let offset: Int64
    let qos: Int
    let retain = false
    var isCurrent = true
    private(set) var acknowledgements = 0
    var onAcknowledge: () -> Void = {}

    /// Without a payload it is a tombstone, or an empty MQTT message.
    init(
        _ topic: String, _ payload: String?, source: TransportTraits = .kafka, key: String? = nil,
        headers: [MessageHeader] = [], partition: Int32 = 0, offset: Int64 = 0
    ) {
        origin = MessageOrigin(source, topic: topic, partition: partition)
        self.payload = payload.map(Self.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.key = key.map(Self.bytes)
        self.headers = headers
        self.offset = source === TransportTraits.kafka ? offset : -1
        qos = source === TransportTraits.mqtt ? 1 : 0
    }

    deinit {
        payload.deallocate()
        key?.deallocate()
    }

    var isAcknowledged: Bool { acknowledgements > 0 }

    var isTombstone: Bool { transport === TransportTraits.kafka && payload.baseAddress == nil }

    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {
        if transport === TransportTraits.kafka {
            body(.partition, .integer(Int64(partition)))
            body(.offset, .integer(offset))
            if let key { body(.key, .bytes(key)) }
            body(.headers, .headers(headers))
            body(.headerList, .headerList(headers))
        } else {
            body(.qos, .integer(Int64(qos)))
            body(.retain, .flag(retain))
        }
    }

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
