import AgentModel
import NIOCore

/// A transport that no room of the host knows: its broker is a dictionary. What a new one has to bring is here. Confined to
/// the loop of its one worker.
final class MemoryTransport: Transport, Outlet, @unchecked Sendable {
    /// By topic, in order.
    private(set) var topics: [String: [Record]] = [:]
    private(set) var acknowledged: [String] = []
    private var unsettledReceipts: [DeliveryReceipt] = []
    private var origins: [String: MessageOrigin] = [:]
    private let worker: WorkerSeat
    private var subscribed = SubscribedTopics()
    private var isPaused = false

    init(for worker: WorkerSeat) {
        self.worker = worker
    }

    func outlet(of worker: WorkerSeat) -> any Outlet { self }

    func subscribe(to topics: SubscribedTopics, sends: Bool) { subscribed = topics }

    func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void> {
        loop.makeSucceededVoidFuture()
    }

    func pauseIntake() { isPaused = true }

    func stopIntake() async { isPaused = true }

    func stop() async {}

    func backlog(of worker: WorkerSeat) -> TransportBacklog { TransportBacklog() }

    var unsettled: Int? { unsettledReceipts.count }

    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        topics[record.topic, default: []].append(Record(record))
        if let receipt { unsettledReceipts.append(receipt) }
        return nil
    }

    func settleAll() {
        let all = unsettledReceipts
        unsettledReceipts = []
        for receipt in all { receipt.settle(nil) }
    }

    /// What nobody is subscribed to is gone.
    func publish(_ topic: String, _ text: String) {
        guard !isPaused, subscribed.all.contains(topic) else { return }
        let origin = origins[topic] ?? MessageOrigin(.memory, topic: topic)
        origins[topic] = origin
        worker.receiver.value.receive(MemoryMessage(origin, text) { self.acknowledged.append(text) })
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
