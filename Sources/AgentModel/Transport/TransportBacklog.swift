/// What waits for one worker in a transport, for metrics.
package struct TransportBacklog: Sendable {
    package struct Partition: Sendable {
        package let topic: String
        package let number: Int32
        /// Whether every host gets the topic's messages, or one of the group.
        package let isForEvery: Bool
        /// Messages; nil: the partition's end is not known yet.
        package let lag: Int64?
        package let unacknowledged: Int

        package init(topic: String, number: Int32, isForEvery: Bool, lag: Int64?, unacknowledged: Int) {
            self.topic = topic
            self.number = number
            self.isForEvery = isForEvery
            self.lag = lag
            self.unacknowledged = unacknowledged
        }
    }

    /// Those that the worker reads, where topics have such.
    package var partitions: [Partition] = []
    /// nil: the records of all workers are counted together (`Transport.unsettled`).
    package var queuedRecords: Int?

    package init() {}
}
