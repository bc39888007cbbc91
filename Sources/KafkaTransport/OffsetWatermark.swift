/// Up to which offset the messages of one partition are settled without a gap.
///
/// Messages settle in any order; what may be committed is the offset after the last one before which all are settled.
/// Offsets of a partition need not be consecutive (compaction, transaction markers), so what counts is the order in
/// which they were delivered. The entries between the watermark and the newest message are a ring, and its
/// length, settled or not, is what bounds how much is delivered again after a crash.
struct OffsetWatermark {
    /// Offset of each entry; its bitwise complement, which is negative, once settled.
    private var ring: [Int64]
    /// Sequence number of the oldest entry.
    private var first = 0
    /// Sequence number that the next entry gets.
    private var next = 0

    /// The offset to commit: that of the first message not to be delivered again. nil: nothing has settled yet.
    private(set) var position: Int64?

    init() {
        ring = [Int64](repeating: 0, count: 16)
    }

    /// Messages from the oldest unsettled one to the newest.
    var count: Int { next - first }

    /// Offset of the first message that has not settled, or of the one that would follow; nil: none was delivered yet.
    var firstUnsettled: Int64? { count > 0 ? ring[first & (ring.count - 1)] : position }

    /// Enters a delivered message, and returns the number under which it settles.
    mutating func deliver(offset: Int64) -> Int {
        if count == ring.count { grow() }
        let sequence = next
        ring[sequence & (ring.count - 1)] = offset
        next += 1
        return sequence
    }

    /// Settles a message; true when `position` advanced. Settling twice, or what was never delivered, does nothing.
    mutating func settle(_ sequence: Int) -> Bool {
        guard sequence >= first, sequence < next else { return false }
        let mask = ring.count - 1
        guard ring[sequence & mask] >= 0 else { return false }
        ring[sequence & mask] = ~ring[sequence & mask]
        guard sequence == first else { return false }
        repeat {
            // A broker may say any offset: after the last one there is there is none.
            let offset = ~ring[first & mask]
            position = offset == .max ? .max : offset + 1
            first += 1
        } while first < next && ring[first & mask] < 0
        return true
    }

    private mutating func grow() {
        var larger = [Int64](repeating: 0, count: ring.count * 2)
        for sequence in first..<next {
            larger[sequence & (larger.count - 1)] = ring[sequence & (ring.count - 1)]
        }
        ring = larger
    }
}
