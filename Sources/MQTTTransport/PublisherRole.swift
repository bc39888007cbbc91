import AgentModel
import NIOCore

/// The publisher's side of its connection.
///
/// Its session is clean: what is unacknowledged is kept here and published again on the next connection, so there is no
/// state at the broker that an earlier process could have left behind (a QoS 2 message id still open there would
/// swallow the first message that uses it again).
final class PublisherRole: MQTTConnectionRole {
    private typealias Outcome = (receiptID: UInt64, failure: DeliveryFailure?)

    private let connection: MQTTConnection
    private let queue: PublishQueue
    private var window = PublishWindow<PublishQueue.Item>()
    private var outcomes: [(sender: MQTTSender, outcomes: [Outcome])] = []
    private var settled = (messages: 0, bytes: 0)

    init(connection: MQTTConnection, queue: PublishQueue) {
        self.connection = connection
        self.queue = queue
    }

    var cleanSession: Bool { true }
    var isReady: Bool { queue.isWanted }
    var mayWrite: Bool { true }
    var hasMore: Bool { window.isOpen }
    var deadline: NIODeadline? { nil }
    var isIdle: Bool { window.isEmpty && queue.unsettled == 0 }

    func connected(sessionPresent: Bool) {}

    func advance(_ client: MosquittoClient, now: NIODeadline) throws(MQTTError) {
        takeArrived()
        while let item = window.next {
            let publication = item.publication
            do {
                let messageID = try client.publish(
                    topic: publication.topic, payload: publication.payload, qos: publication.qos,
                    retain: publication.retain)
                window.didSend(messageID: messageID)
            } catch  where client.socket >= 0 {
                settle(window.didRefuse(), DeliveryFailure(error.description, isPermanent: true))
            }
        }
        report()
    }

    func mayRead(_ client: MosquittoClient) -> Bool { true }

    func didWrite() {
        report()
    }

    func didRead() {
        report()
    }

    func published(messageID: Int32) {
        if let item = window.settle(messageID: messageID) { settle(item, nil) }
    }

    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool) {}
    func subscribed(messageID: Int32, refused: Bool) {}
    func unsubscribed(messageID: Int32) {}

    func closed() {
        takeArrived()
        if let item = window.connectionLost() {
            settle(
                item,
                DeliveryFailure(
                    "the broker \(connection.settings.endpoint) closed the connection each time that a message for "
                        + "\(item.publication.topic) was published: too large for it, or not allowed",
                    isPermanent: true))
        }
        report()
    }

    func finished() {
        queue.close()
        takeArrived()
        for item in window.removeAll() {
            settle(item, DeliveryFailure("the host stopped before the MQTT broker acknowledged the message"))
        }
        report()
    }

    private func takeArrived() {
        for item in queue.takeArrived() { window.append(item, qos: item.publication.qos) }
    }

    private func settle(_ item: PublishQueue.Item, _ failure: DeliveryFailure?) {
        settled.messages += 1
        settled.bytes += item.cost
        guard let receiptID = item.receiptID else { return }
        if let index = outcomes.firstIndex(where: { $0.sender === item.sender }) {
            outcomes[index].outcomes.append((receiptID, failure))
        } else {
            outcomes.append((item.sender, [(receiptID, failure)]))
        }
    }

    /// One hop to each loop for all that settled in this turn.
    private func report() {
        guard settled.messages > 0 else { return }
        queue.settled(messages: settled.messages, bytes: settled.bytes)
        settled = (0, 0)
        connection.status.active(at: Timestamp.now())
        for (sender, outcomes) in outcomes { sender.settle(outcomes) }
        outcomes.removeAll(keepingCapacity: true)
    }
}
