import AgentModel
import Delivery

/// Something that waits for its turn in a lane.
class LaneWork: EffectScope {
    let lane: Lane<LaneWork>
    private let lanes: Lanes
    /// Counted in its lane's `busy`. What begins and leaves in one go is not.
    final var isListed = false
    /// Its place in the order of arrival.
    let sequence: Int

    init(lane: Lane<LaneWork>, lanes: Lanes) {
        self.lane = lane
        self.lanes = lanes
        sequence = lanes.nextSequence()
    }

    /// How many may be under way in its lane at once.
    var concurrency: Int { 1 }

    /// False: it cannot begin yet, and those behind it wait with it.
    var isReady: Bool { true }

    /// Its broker gives it to another consumer.
    var isRevoked: Bool { false }

    /// It has had its turn, and those behind it wait until it leaves.
    var holdsLane: Bool { false }

    /// It is revoked, and nothing of it is under way: nothing of it begins any more.
    func letGo() {}

    /// Begins; calls `leaveLane` once the next of its lane may begin.
    func begin() {}

    final func leaveLane() {
        guard isListed else { return }
        isListed = false
        lanes.leave(lane)
    }
}
