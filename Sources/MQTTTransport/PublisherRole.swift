import AgentModel
import NIOCore

/// The publisher's side of its connection.
///
/// Its session is clean: what is unacknowledged is kept here and published again on the next connection, so there is no
/// state at the broker that an earlier process could have left behind (a QoS 2 message id still open there would
/// swallow the first message that uses it again).
final class PublisherRole: MQTTConnectionRole {
    private typealias Outcome = (publication: MQTTPublication, failure: DeliveryFailure?)

    private let connection: MQTTConnection
    private let queue: PublishQueue
    private var window = PublishWindow<MQTTPublication>()
    /// Those of this turn, by the loop where they are told.
    private var outcomes: [(eventLoop: any EventLoop, outcomes: [Outcome])] = []
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
        while let publication = window.next {
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
        if let publication = window.settle(messageID: messageID) { settle(publication, nil) }
    }

    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool) {}
    func subscribed(messageID: Int32, refused: Bool) {}
    func unsubscribed(messageID: Int32) {}

    func closed() {
        takeArrived()
        if let publication = window.connectionLost() {
            settle(
                publication,
                DeliveryFailure(
                    "the broker \(connection.settings.endpoint) closed the connection each time that a message for "
                        + "\(publication.topic) was published: too large for it, or not allowed",
                    isPermanent: true))
        }
        report()
    }

    func finished() {
        queue.close()
        takeArrived()
        for publication in window.removeAll() {
            settle(publication, DeliveryFailure("the host stopped before the MQTT broker acknowledged the message"))
        }
        report()
    }

    private func takeArrived() {
        for publication in queue.takeArrived() { window.append(publication, qos: publication.qos) }
    }

    private func settle(_ publication: MQTTPublication, _ failure: DeliveryFailure?) {
        settled.messages += 1
        settled.bytes += publication.cost
        if let index = outcomes.firstIndex(where: { $0.eventLoop === publication.eventLoop }) {
            outcomes[index].outcomes.append((publication, failure))
        } else {
            outcomes.append((publication.eventLoop, [(publication, failure)]))
        }
    }

    /// One hop to each loop for all that settled in this turn.
    private func report() {
        guard settled.messages > 0 else { return }
        queue.settled(messages: settled.messages, bytes: settled.bytes)
        settled = (0, 0)
        connection.status.active(at: Timestamp.now())
        for (eventLoop, outcomes) in outcomes {
            eventLoop.execute {
                for (publication, failure) in outcomes { publication.settle(failure) }
            }
        }
        outcomes.removeAll(keepingCapacity: true)
    }
}
