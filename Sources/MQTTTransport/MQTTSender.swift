import AgentModel
import NIOCore

/// One worker's way to the publisher. Confined to the worker's loop.
final class MQTTSender: Outlet, @unchecked Sendable {
    /// As libmosquitto's MQTT_MAX_PAYLOAD; the protocol's limit of a whole packet (MQTT 3.1.1 section 2.2.3).
    static let largestPayload = 268_435_455

    private let eventLoop: any EventLoop
    private let queue: PublishQueue
    private let wake: WakePipe
    /// The topic that was sent to last: one that can be.
    private var knownTopic: String?

    init(eventLoop: any EventLoop, queue: PublishQueue, wake: WakePipe) {
        self.eventLoop = eventLoop
        self.queue = queue
        self.wake = wake
    }

    /// A message of QoS 0 settles once written to the socket, of QoS 1 at PUBACK, of QoS 2 at PUBCOMP.
    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        eventLoop.preconditionInEventLoop()
        let topic = record.topic
        if topic != knownTopic {
            if let defect = MQTTTopic.defect(inName: topic) { return DeliveryFailure(defect, isPermanent: true) }
            knownTopic = topic
        }
        let publication = MQTTPublication(record, eventLoop: eventLoop, receipt: receipt)
        guard (0...2).contains(publication.qos) else {
            return DeliveryFailure(
                "an MQTT quality of service of \(publication.qos) is not between 0 and 2", isPermanent: true)
        }
        guard publication.payload.readableBytes <= Self.largestPayload else {
            return DeliveryFailure(
                "an MQTT payload of \(publication.payload.readableBytes) bytes is too large", isPermanent: true)
        }
        if let failure = queue.append(publication) { return failure }
        wake.signal()
        return nil
    }
}
