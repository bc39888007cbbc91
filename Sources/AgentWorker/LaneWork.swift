import Delivery

/// Something that waits for its turn in a lane.
protocol LaneWork: AnyObject {
    var lane: Lane<any LaneWork> { get }
    /// Its place in the order of arrival.
    var sequence: Int { get }
    /// Counted in its lane's `busy`, as `Lanes` says. What begins and leaves in one go is not.
    var isListed: Bool { get set }

    /// How many may be under way in its lane at once.
    var concurrency: Int { get }

    /// False: it cannot begin yet, and those behind it wait with it.
    var isReady: Bool { get }

    /// Its broker gives it to another consumer.
    var isRevoked: Bool { get }

    /// It has had its turn, and those behind it wait until it leaves.
    var holdsLane: Bool { get }

    /// Begins; `Lanes` is to be told once the next of its lane may begin.
    func begin()

    /// It is revoked, and nothing of it is under way: nothing of it begins any more.
    func letGo()
}

extension LaneWork {
    var concurrency: Int { 1 }
    var isRevoked: Bool { false }
    func letGo() {}
}
