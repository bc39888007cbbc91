import AgentModel

/// A message that no broker sent.
final class TestMessage: InboundMessage {
    let origin: MessageOrigin
    let payload: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer?
    let headers: [MessageHeader]
    let timestamp: Int64 = 1_767_323_045_678
    let offset: Int64
    let qos: Int
    let retain: Bool
    let isCurrent = true
    private(set) var isAcknowledged = false

    /// Without a payload it is a tombstone.
    init(
        source: TransportTraits, topic: String, payload: String?, key: String? = nil, headers: [MessageHeader] = [],
        partition: Int32 = 0, offset: Int64 = -1, qos: Int = 0, retain: Bool = false
    ) {
        origin = MessageOrigin(source, topic: topic, partition: partition)
        self.payload = payload.map(Self.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.key = key.map(Self.bytes)
        self.headers = headers
        self.offset = offset
        self.qos = qos
        self.retain = retain
    }

    deinit {
        payload.deallocate()
        key?.deallocate()
    }

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
        isAcknowledged = true
    }

    private static func bytes(_ text: String) -> UnsafeRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(text.utf8.count, 1), alignment: 1)
        bytes.copyBytes(from: text.utf8)
        return UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count])
    }
}
