/// A message on its way to a handler, confined to the event loop of the worker that received it.
///
/// The bytes stay where the transport's library put them: `payload` and `key` are valid for as long as the object lives.
package protocol InboundMessage: AnyObject {
    /// Messages of one origin reach handlers one after another.
    var origin: MessageOrigin { get }
    /// No address: the message has no value at all (a Kafka tombstone), where `isTombstone` says so too.
    var payload: UnsafeRawBufferPointer { get }
    /// nil for none.
    var key: UnsafeRawBufferPointer? { get }
    var headers: [MessageHeader] { get }
    /// Milliseconds since 1970: the record's own timestamp, or the time of arrival where there is none.
    var timestamp: Int64 { get }
    /// Its place in the partition; -1 where there is none.
    var offset: Int64 { get }
    var isTombstone: Bool { get }
    /// False once the partition was given to another consumer, or the session ended: a handler not yet begun need not begin.
    var isCurrent: Bool { get }

    /// Calls `body` with each field that scripts find in `message` beside those that all messages have; its value is made
    /// when it is asked for.
    func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void)

    /// The handler has returned and everything it sent was acknowledged: the transport may now say so to its broker.
    ///
    /// Called at most once, on the loop. A message that is never acknowledged is delivered again after a restart.
    func acknowledge()
}

extension InboundMessage {
    package var transport: TransportTraits { origin.transport }
    package var topic: String { origin.topic }
    package var partition: Int32 { origin.partition }

    /// What a person finds it by at its broker; nil: its transport has no such thing.
    package var id: String? { offset >= 0 ? "\(topic)/\(partition)/\(offset)" : nil }
}

/// Where a transport hands over what it receives, on the worker's loop.
package protocol MessageReceiver: AnyObject {
    func receive(_ message: any InboundMessage)

    /// Messages that it has received are not current any more: those of which nothing is under way are to be let go. It
    /// does so after the call.
    func revoked()
}
