/// A message on its way to a handler, confined to the event loop of the worker that received it.
///
/// The bytes stay where the transport's library put them: `payload` and `key` are valid for as long as the object lives.
package protocol InboundMessage: AnyObject {
    var source: TransportName { get }
    var topic: String { get }
    var payload: UnsafeRawBufferPointer { get }
    /// The Kafka record's key; nil for none, and for MQTT.
    var key: UnsafeRawBufferPointer? { get }
    var headers: [MessageHeader] { get }
    /// Milliseconds since 1970: the Kafka record's own timestamp, or the time of arrival for MQTT.
    var timestamp: Int64 { get }
    /// Kafka partition; 0 for MQTT. Messages of one topic and partition reach handlers one after another.
    var partition: Int32 { get }
    /// Kafka offset; -1 for MQTT.
    var offset: Int64 { get }
    /// MQTT quality of service, 0 to 2; 0 for Kafka.
    var qos: Int { get }
    /// The MQTT retained flag; false for Kafka.
    var retain: Bool { get }
    /// False once the partition was given to another consumer, or the session ended: a handler not yet begun need not begin.
    var isCurrent: Bool { get }

    /// The handler has returned and everything it sent was acknowledged: the transport may now say so to its broker.
    ///
    /// Called at most once, on the loop. A message that is never acknowledged is delivered again after a restart.
    func acknowledge()
}

extension InboundMessage {
    /// What a person finds it by at its broker; nil: its transport has no such thing.
    package var id: String? { offset >= 0 ? "\(topic)/\(partition)/\(offset)" : nil }

    /// A Kafka record without a value, which is not the same as an empty one. MQTT has no such thing.
    package var isTombstone: Bool { source == .kafka && payload.baseAddress == nil }
}

/// Where a transport hands over what it receives, on the worker's loop.
package protocol MessageReceiver: AnyObject {
    func receive(_ message: any InboundMessage)

    /// Messages that it has received are not current any more: those of which nothing is under way are to be let go. It
    /// does so after the call.
    func revoked()
}
