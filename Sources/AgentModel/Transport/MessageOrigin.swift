/// Where messages come from one after another: a partition of a Kafka topic while it is assigned, a topic of an MQTT
/// connection. A transport makes it once and gives it to each of its messages, so that nobody has to look for what is the
/// same for all of them.
///
/// Its constants may be read on any thread, `found` on the loop of the worker that its messages go to.
package final class MessageOrigin: @unchecked Sendable {
    package let transport: TransportTraits
    package let topic: String
    /// 0 where topics have no partitions.
    package let partition: Int32
    /// What the worker has found for it, and keeps here for the next message.
    package var found: AnyObject?

    package init(_ transport: TransportTraits, topic: String, partition: Int32 = 0) {
        self.transport = transport
        self.topic = topic
        self.partition = partition
    }
}
