internal import AgentModel

/// Records that wait for the next client of a producer whose client failed for good.
struct RecordBacklog {
    private var entries: [(pending: PendingRecord, record: Record)] = []
    /// Of keys and values.
    private(set) var bytes = 0

    var count: Int { entries.count }

    mutating func hold(_ pending: PendingRecord, _ record: Record) {
        entries.append((pending, record))
        bytes += record.queuedBytes
    }

    /// All of them in the order in which they were sent; none is left.
    mutating func takeAll() -> [(pending: PendingRecord, record: Record)] {
        let all = entries.sorted { $0.pending.sequence < $1.pending.sequence }
        self = RecordBacklog()
        return all
    }
}
