internal import NIOCore

/// Partitions that are to be given up, and the time that handlers in flight of their messages get before.
final class Revocation {
    enum Cause {
        /// For the next subscription; librdkafka does not know of it yet.
        case bySubscription
        /// librdkafka waits for its confirmation.
        case byGroup
    }

    private(set) var cause: Cause
    private(set) var partitions: [AssignedPartition] = []
    private var deadline: Scheduled<Void>?

    init(_ cause: Cause) {
        self.cause = cause
    }

    /// Messages of its partitions are still handled.
    var isBusy: Bool { partitions.contains { $0.outstanding > 0 } }

    /// Handlers in flight have time left.
    var isWaiting: Bool { deadline != nil }

    /// The group asks for what a subscription had begun.
    func becomeGroups() {
        cause = .byGroup
    }

    /// Nothing of `leaving` begins any more. The time runs from the first call.
    ///
    /// - Parameter onDeadline: called when the time is up.
    func begin(
        _ leaving: [AssignedPartition], timeout: TimeAmount, on eventLoop: any EventLoop,
        onDeadline: @escaping () -> Void
    ) {
        for partition in leaving where partition.state == .active {
            partition.beginRevocation()
            partitions.append(partition)
        }
        guard deadline == nil else { return }
        deadline = eventLoop.assumeIsolated().scheduleTask(in: timeout, onDeadline)
    }

    /// The wait is over.
    func stopWaiting() {
        deadline?.cancel()
        deadline = nil
    }
}
