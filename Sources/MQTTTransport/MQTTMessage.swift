import AgentModel
import NIOCore

/// A message from an MQTT broker. Made on the connection's thread, then confined to the loop of its batch.
final class MQTTMessage: InboundMessage, @unchecked Sendable {
    let origin: MessageOrigin
    /// Milliseconds since 1970, when it was read: MQTT 3.1.1 has no time of its own.
    let timestamp: Int64
    /// Quality of service, 0 to 2.
    private let qos: Int
    private let retain: Bool
    private let bytes: UnsafeMutableRawBufferPointer
    private let budget: IntakeBudget
    private let batch: MQTTBatch
    private var isAcknowledged = false

    init(
        of origin: MessageOrigin, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool, budget: IntakeBudget,
        batch: MQTTBatch
    ) {
        self.origin = origin
        self.qos = qos
        self.retain = retain
        self.budget = budget
        self.batch = batch
        timestamp = Timestamp.now()
        bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: payload.count, alignment: 1)
        bytes.copyMemory(from: payload)
        budget.take(bytes: bytes.count)
    }

    deinit {
        budget.release(bytes: bytes.count)
        bytes.deallocate()
    }

    var payload: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
    var key: UnsafeRawBufferPointer? { nil }
    var headers: [MessageHeader] { [] }
    var offset: Int64 { -1 }
    var isTombstone: Bool { false }
    var isCurrent: Bool { !batch.session.isEnded }

    /// Whether it is acknowledged to its broker.
    var isSettled: Bool { qos > 0 }

    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {
        body(.qos, .integer(Int64(qos)))
        body(.retain, .flag(retain))
    }

    func acknowledge() {
        batch.eventLoop.assertInEventLoop()
        guard !isAcknowledged else { return }
        isAcknowledged = true
        // QoS 0 has nothing to acknowledge.
        if isSettled { batch.settleOne() }
    }
}
