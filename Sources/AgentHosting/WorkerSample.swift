import AgentWorker
import NIOCore

/// What a worker's loop saw when it last looked at what waits on it.
struct WorkerSample: Sendable {
    /// A Kafka partition that is assigned to the worker.
    struct Partition: Sendable {
        var topic: String
        var number: Int32
        /// Whether every host gets the topic's messages, or one of the group.
        var isForEvery: Bool
        /// nil: the partition's end is not known yet.
        var lag: Int64?
        var unacknowledged: Int

        var dimensions: [(String, String)] {
            [("topic", topic), ("partition", "\(number)"), ("deliver", isForEvery ? "every" : "one")]
        }
    }

    var worker: Int
    var taken: NIODeadline
    var figures: WorkerFigures
    var partitions: [Partition]
    /// nil: there is no Kafka.
    var queuedRecords: Int?
}
