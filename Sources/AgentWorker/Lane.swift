import AgentModel

/// What is handled one after another: the messages of a Kafka partition, of an MQTT topic, of a raw WebSocket client.
struct LaneKey: Hashable {
    var agent: Int
    var name: String
    var partition: Int32
    var source: MessageSource?
}

/// A lane with a handler under way. Lanes without one have no object: most messages never meet another.
final class Lane {
    /// Work that has begun and not ended.
    var busy = 0
    /// Stands still until a reload: a message failed for good and its handler says `on_error = "stop"`.
    var stopped: MessageWork?
    /// Its queue is being worked off further up the stack.
    var isPumping = false
    private var queue: [any LaneWork] = []
    private var head = 0

    func enqueue(_ work: any LaneWork) {
        queue.append(work)
    }

    var next: (any LaneWork)? { head < queue.count ? queue[head] : nil }

    func removeNext() {
        head += 1
        if head > 64, head * 2 > queue.count {
            queue.removeFirst(head)
            head = 0
        }
    }

    var isEmpty: Bool { head == queue.count }
}

/// Something that waits for its turn in a lane.
protocol LaneWork: AnyObject {
    var laneKey: LaneKey { get }
    /// How many may be under way in its lane at once.
    var concurrency: Int { get }
    /// False once it has left its lane.
    var holdsLane: Bool { get }
    /// Begins; calls `worker.leaveLane` once its handler has ended for good.
    func begin()
}
