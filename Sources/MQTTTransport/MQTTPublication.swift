import AgentModel
import NIOCore

/// A message on its way to the broker: made on a worker's loop, sent by the publisher's thread, settled on the loop.
final class MQTTPublication: @unchecked Sendable {
    let topic: String
    let payload: ByteBuffer
    /// Quality of service, 0 to 2.
    let qos: Int
    let retain: Bool
    /// Where it is settled.
    let eventLoop: any EventLoop
    /// Only the loop touches it; nil: nobody waits, or it is settled.
    private var receipt: DeliveryReceipt?

    /// What the record does not say is QoS 1, not retained, and, since MQTT has no message without one, an empty payload.
    init(_ record: borrowing RecordView, eventLoop: any EventLoop, receipt: DeliveryReceipt?) {
        topic = record.topic
        payload = record.value.map { ByteBuffer(bytes: $0) } ?? ByteBuffer()
        qos = record.integer("qos").map { Int($0) } ?? 1
        retain = record.flag("retain") ?? false
        self.eventLoop = eventLoop
        self.receipt = receipt
    }

    /// What it counts for where bytes are limited.
    var cost: Int { payload.readableBytes + topic.utf8.count }

    /// On the loop: what became of it.
    func settle(_ failure: DeliveryFailure?) {
        eventLoop.assertInEventLoop()
        let receipt = self.receipt
        // Gone here, so that it does not end on the publisher's thread.
        self.receipt = nil
        receipt?.settle(failure)
    }
}
