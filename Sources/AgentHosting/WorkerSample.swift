import AgentModel
import AgentWorker
import NIOCore

/// What a worker's loop saw when it last looked at what waits on it.
struct WorkerSample: Sendable {
    var worker: Int
    var taken: NIODeadline
    var figures: WorkerFigures
    var partitions: [TransportBacklog.Partition]
    /// nil: no transport has records of the worker's own.
    var queuedRecords: Int?
    var queueCapacity: Int?
}

extension TransportBacklog.Partition {
    /// As metrics name it.
    var dimensions: [(String, String)] {
        [("topic", topic), ("partition", "\(number)"), ("deliver", isForEvery ? "every" : "one")]
    }
}
