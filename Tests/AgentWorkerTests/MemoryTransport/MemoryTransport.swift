import AgentModel
import NIOCore

/// A transport that no room of the host knows: its broker is a dictionary. What a new one has to bring is here.
final class MemoryTransport: Outlet {
    /// By topic, in order.
    private(set) var topics: [String: [Record]] = [:]
    private(set) var acknowledged: [String] = []
    private var unsettled: [DeliveryReceipt] = []
    private var origins: [String: MessageOrigin] = [:]
    private let receiver: any MessageReceiver

    init(to receiver: any MessageReceiver) {
        self.receiver = receiver
    }

    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        topics[record.topic, default: []].append(Record(record))
        if let receipt { unsettled.append(receipt) }
        return nil
    }

    func settleAll() {
        let all = unsettled
        unsettled = []
        for receipt in all { receipt.settle(nil) }
    }

    func publish(_ topic: String, _ text: String) {
        let origin = origins[topic] ?? MessageOrigin(.memory, topic: topic)
        origins[topic] = origin
        receiver.receive(MemoryMessage(origin, text) { self.acknowledged.append(text) })
    }
}

extension TransportTraits {
    static let memory = TransportTraits(
        name: TransportName("memory"), title: "memory", setting: "MEMORY", embedded: "one", hasFilters: false,
        hasHeaders: true, payloadName: "value", valueName: "value",
        sendOptions: [SendOption("priority", .integer(1...9)), SendOption("urgent", .flag)],
        letterTopic: .suffix(".dead"), longestTopic: 20, topicWords: "1 to 20 characters",
        isTopic: { (1...20).contains($0.count) })
}

private final class MemoryMessage: InboundMessage {
    let origin: MessageOrigin
    let key: UnsafeRawBufferPointer? = nil
    let headers: [MessageHeader] = []
    let timestamp: Int64 = 1
    let offset: Int64 = -1
    let isTombstone = false
    let isCurrent = true
    private let bytes: UnsafeMutableRawBufferPointer
    private let onAcknowledge: () -> Void

    init(_ origin: MessageOrigin, _ text: String, onAcknowledge: @escaping () -> Void) {
        self.origin = origin
        self.onAcknowledge = onAcknowledge
        bytes = .allocate(byteCount: text.utf8.count, alignment: 1)
        bytes.copyBytes(from: text.utf8)
    }

    deinit { bytes.deallocate() }

    var payload: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {
        body(MessageField("colour"), .integer(7))
    }

    func acknowledge() { onAcknowledge() }
}
