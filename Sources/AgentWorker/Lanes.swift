import Delivery
import NIOCore

/// What waits for what: messages of one partition or topic, and those of one WebSocket client, begin one after another.
/// Confined to its loop.
final class Lanes {
    /// Begins at most so many waiting works in one go, before others get their turn on the loop.
    private static let longestPump = 64

    private let runQueue: RunQueue
    /// Those that somebody has, so that two who mean the same have the same.
    private var known: [LaneKey: Known] = [:]
    private var mostKnown = fewKnown
    /// Those in which something waits or holds the others up.
    private var used: [ObjectIdentifier: Lane<any LaneWork>] = [:]
    private var sequence = 0

    private struct Known {
        weak var lane: Lane<any LaneWork>?
    }

    /// From so many on the table is rid of lanes that are gone.
    private static let fewKnown = 64

    init(runQueue: RunQueue) {
        self.runQueue = runQueue
    }

    /// Those in which something waits or holds the others up.
    var count: Int { used.count }

    /// The one lane of the key; it stays the one for as long as somebody has it.
    func lane(_ key: LaneKey) -> Lane<any LaneWork> {
        if let lane = known[key]?.lane { return lane }
        if known.count >= mostKnown {
            known = known.filter { $1.lane != nil }
            mostKnown = max(Self.fewKnown, 2 * known.count)
        }
        let lane = Lane<any LaneWork>(key)
        known[key] = Known(lane: lane)
        return lane
    }

    /// The place of a work in the order of arrival.
    func nextSequence() -> Int {
        sequence += 1
        return sequence
    }

    /// Begins the work, or lets it wait for those before it in its lane.
    func enter(_ work: any LaneWork) {
        // A client that is closed by a handler says so while that handler is on the stack: it must return first.
        guard runQueue.mayRunNow else { return runQueue.later { self.admit(work) } }
        admit(work)
        runQueue.drain()
    }

    private func admit(_ work: any LaneWork) {
        let lane = work.lane
        if lane.isUsed {
            lane.enqueue(work)
            pump(lane)
        } else if work.isReady {
            runQueue.nested { work.begin() }
            if work.holdsLane, !work.isListed { list(work) }
        } else {
            use(lane)
            lane.enqueue(work)
        }
    }

    private func list(_ work: any LaneWork) {
        use(work.lane)
        work.isListed = true
        work.lane.busy += 1
    }

    private func use(_ lane: Lane<any LaneWork>) {
        guard !lane.isUsed else { return }
        lane.isUsed = true
        used[ObjectIdentifier(lane)] = lane
    }

    /// The work does not hold its lane any more: the next begins.
    func leave(_ work: any LaneWork) {
        guard work.isListed else { return }
        work.isListed = false
        let lane = work.lane
        guard lane.isUsed else { return }
        lane.busy -= 1
        pump(lane)
    }

    func pump(_ lane: Lane<any LaneWork>) {
        guard lane.isUsed, !lane.isPumping, !lane.isScheduled else { return }
        lane.isPumping = true
        var budget = Self.longestPump
        let end = NIODeadline.now() + .milliseconds(20)
        while !lane.isStopped, let next = lane.next, next.isReady, lane.busy < next.concurrency {
            if budget == 0 || NIODeadline.now() > end {
                lane.isScheduled = true
                runQueue.afterSockets {
                    lane.isScheduled = false
                    self.pump(lane)
                }
                break
            }
            budget -= 1
            lane.begin()
            next.isListed = true
            runQueue.nested { next.begin() }
        }
        lane.isPumping = false
        if lane.isEmpty {
            lane.isUsed = false
            used[ObjectIdentifier(lane)] = nil
        }
        runQueue.drain()
    }

    /// A message that had left its lane is to be tried again: before all of its lane that have not begun, unless it holds
    /// its place already.
    func rejoin(_ work: any LaneWork) {
        if work.holdsLane {
            list(work)
        } else {
            use(work.lane)
            work.lane.enqueueAgain(work, sequence: work.sequence)
        }
    }

    /// The lane stands still until a reload.
    func stop(at work: any LaneWork) {
        if !work.isListed { list(work) }
        work.lane.stop(at: work)
    }

    /// After a reload: what stood still tries again.
    func restart(of slot: AgentSlot) {
        for lane in used.values where lane.key.agent == slot.index {
            for work in lane.takeStopped() { runQueue.nested { work.begin() } }
        }
    }

    /// What is revoked is let go where it waits: in a lane that stands still it would hold up the broker, who waits for it,
    /// and stay beside what is delivered in its place.
    func letGoRevoked() {
        for lane in used.values {
            let revoked = lane.take(where: \.isRevoked)
            for work in revoked { work.letGo() }
            if !revoked.isEmpty { pump(lane) }
        }
    }

    /// What waited for a script, or for a swap of its versions, begins.
    func pump(of slot: AgentSlot) {
        for lane in used.values where lane.key.agent == slot.index { pump(lane) }
    }

    /// What waits is let go: nothing of it begins any more.
    func clear() {
        for lane in used.values { lane.clear() }
        used = [:]
    }
}
