package import NIOCore

/// Why a message that was handed to a broker's client was not taken by the broker.
public struct DeliveryFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// For people: the broker, what it refused and why. Never a payload.
    public let description: String

    /// True: the broker will not take the message, however often it is sent: too large for it, not allowed, no such topic.
    package let isPermanent: Bool

    package init(_ description: String, isPermanent: Bool = false) {
        self.description = description
        self.isPermanent = isPermanent
    }
}

/// What becomes of a message that has failed for good: `on_error` of its handler.
package enum OnError: String, CaseIterable, Sendable {
    /// It goes to the topic of dead letters.
    case dlq
    /// It is forgotten.
    case skip
    /// Its lane stands still until a reload.
    case stop
}

/// Told, once and on the worker's loop, what became of an outbound message. Subclassed by whoever waits for it.
open class DeliveryReceipt {
    public init() {}

    /// `nil`: the broker acknowledged the message.
    open func settle(_ failure: DeliveryFailure?) {}
}

/// A record for a Kafka topic.
package struct KafkaRecord: Sendable {
    package var topic: String
    package var key: ByteBuffer?
    package var value: ByteBuffer?
    package var headers: [MessageHeader]
    /// nil: the partitioner chooses, by the key's hash where there is a key.
    package var partition: Int32?

    package init(
        topic: String, key: ByteBuffer? = nil, value: ByteBuffer?, headers: [MessageHeader] = [],
        partition: Int32? = nil
    ) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
        self.partition = partition
    }
}

/// A message for an MQTT topic.
package struct MQTTPublication: Sendable {
    package var topic: String
    package var payload: ByteBuffer
    /// 0 to 2.
    package var qos: Int
    package var retain: Bool

    package init(topic: String, payload: ByteBuffer, qos: Int = 1, retain: Bool = false) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
    }
}

/// Produces to Kafka from one worker's loop.
package protocol KafkaSending: AnyObject {
    /// Queues the record and returns at once; the receipt is settled when the broker answered.
    ///
    /// Returns a failure, and never settles the receipt, when the record cannot even be queued (a topic name that
    /// Kafka does not allow, a queue that is full, a value over the size limit).
    func send(_ record: KafkaRecord, receipt: DeliveryReceipt?) -> DeliveryFailure?
}

/// Publishes to MQTT from one worker's loop.
package protocol MQTTSending: AnyObject {
    /// As `KafkaSending.send`. A QoS 0 publication settles once written to the socket, QoS 1 at PUBACK, QoS 2 at PUBCOMP.
    func publish(_ publication: MQTTPublication, receipt: DeliveryReceipt?) -> DeliveryFailure?
}
