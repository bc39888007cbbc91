import NIOCore

/// When the subscriber may read, and when what it has queued may be written.
///
/// libmosquitto queues the PUBACK of a message when it reads it, so writing anything at all acknowledges everything
/// that was read. Hence: write only while nothing that was read is unsettled, and do not read again before the queue is
/// empty.
struct SettlementGate {
    /// Messages acknowledged together. Without a bound, a steady stream of overlapping messages would never leave a
    /// moment at which all are settled.
    static let batchLimit = 512

    /// How long a message may be unsettled.
    let holdLimit: TimeAmount
    private var read = 0
    private var settled = 0
    private var readSinceWrite = 0
    private var heldSince: NIODeadline?

    init(holdLimit: TimeAmount) {
        self.holdLimit = holdLimit
    }

    /// A message of QoS 1 or 2 was read.
    mutating func didRead(at now: NIODeadline) {
        read += 1
        readSinceWrite += 1
        if heldSince == nil { heldSince = now }
    }

    /// - Parameter total: how many messages of this connection are settled by now.
    mutating func didSettle(total: Int) {
        settled = total
    }

    /// Everything that was queued has been written.
    mutating func didWrite() {
        guard mayWrite else { return }
        readSinceWrite = 0
        heldSince = nil
    }

    var mayWrite: Bool { settled == read }

    /// - Parameter queued: whether there is something in the library's queue.
    func mayRead(queued: Bool) -> Bool {
        guard readSinceWrite < Self.batchLimit else { return false }
        return !(mayWrite && queued)
    }

    /// When the connection is to be dropped unless everything is settled by then; nil: nothing is held.
    var deadline: NIODeadline? {
        mayWrite ? nil : heldSince.map { $0 + holdLimit }
    }
}
