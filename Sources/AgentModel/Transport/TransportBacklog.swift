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
        /// Nothing is fetched, since as many messages as may be are not acknowledged.
        package let isPaused: Bool
        /// Seconds since the oldest unacknowledged message was first seen to be that; 0 when there is none.
        package let oldestAge: Double

        package init(
            topic: String, number: Int32, isForEvery: Bool, lag: Int64?, unacknowledged: Int, isPaused: Bool = false,
            oldestAge: Double = 0
        ) {
            self.topic = topic
            self.number = number
            self.isForEvery = isForEvery
            self.lag = lag
            self.unacknowledged = unacknowledged
            self.isPaused = isPaused
            self.oldestAge = oldestAge
        }
    }

    /// Those that the worker reads, where topics have such.
    package var partitions: [Partition] = []
    /// nil: the records of all workers are counted together (`Transport.unsettled`).
    package var queuedRecords: Int?
    /// How many may wait; with so many the worker's handlers are refused to send more.
    package var queueCapacity: Int?

    package init() {}
}
