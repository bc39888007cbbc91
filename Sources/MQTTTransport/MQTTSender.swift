import AgentModel
import NIOCore

/// One worker's way to the publisher. The receipts stay here, on the worker's loop, under a number.
final class MQTTSender: Outlet, @unchecked Sendable {
    /// As libmosquitto's MQTT_MAX_PAYLOAD; the protocol's limit of a whole packet (MQTT 3.1.1 section 2.2.3).
    static let largestPayload = 268_435_455

    private let eventLoop: any EventLoop
    private let queue: PublishQueue
    private let wake: WakePipe
    private var receipts: [UInt64: DeliveryReceipt] = [:]
    private var nextReceipt: UInt64 = 0

    init(eventLoop: any EventLoop, queue: PublishQueue, wake: WakePipe) {
        self.eventLoop = eventLoop
        self.queue = queue
        self.wake = wake
    }

    /// A message of QoS 0 settles once written to the socket, of QoS 1 at PUBACK, of QoS 2 at PUBCOMP.
    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        eventLoop.preconditionInEventLoop()
        let publication = Record(record)
        if let defect = MQTTTopic.defect(inName: publication.topic) {
            return DeliveryFailure(defect, isPermanent: true)
        }
        guard (0...2).contains(publication.qos) else {
            return DeliveryFailure(
                "an MQTT quality of service of \(publication.qos) is not between 0 and 2", isPermanent: true)
        }
        guard publication.payload.readableBytes <= Self.largestPayload else {
            return DeliveryFailure(
                "an MQTT payload of \(publication.payload.readableBytes) bytes is too large", isPermanent: true)
        }
        var receiptID: UInt64?
        if let receipt {
            receiptID = nextReceipt
            receipts[nextReceipt] = receipt
            nextReceipt += 1
        }
        let item = PublishQueue.Item(publication: publication, sender: self, receiptID: receiptID)
        if let failure = queue.append(item) {
            if let receiptID { receipts[receiptID] = nil }
            return failure
        }
        wake.signal()
        return nil
    }

    /// From the publisher's thread: what became of publications of this sender, in the order they settled.
    func settle(_ outcomes: [(receiptID: UInt64, failure: DeliveryFailure?)]) {
        eventLoop.execute { [self] in
            for (receiptID, failure) in outcomes { receipts.removeValue(forKey: receiptID)?.settle(failure) }
        }
    }
}
