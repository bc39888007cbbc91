import AgentModel

/// Something that waits for its turn in a lane.
class LaneWork: EffectScope {
    /// Where it stands.
    enum Place {
        /// Waits in a queue, or has left its lane.
        case outside
        /// Runs in a lane that has no object, as nobody waits in it.
        case alone
        /// Counted in its lane's `busy`.
        case inLane
    }

    let laneKey: LaneKey
    let worker: Worker
    final var place = Place.outside
    /// Order of arrival in the worker.
    let sequence: Int

    init(laneKey: LaneKey, worker: Worker) {
        self.laneKey = laneKey
        self.worker = worker
        sequence = worker.nextSequence()
    }

    /// How many may be under way in its lane at once.
    var concurrency: Int { 1 }

    /// False: it cannot begin yet, and those behind it wait with it.
    var isReady: Bool { true }

    /// Begins; calls `leaveLane` once the next of its lane may begin.
    func begin() {}

    final var holdsLane: Bool { place != .outside }

    final func leaveLane() {
        let wasInLane = place == .inLane
        place = .outside
        if wasInLane { worker.leaveLane(laneKey) }
    }
}
