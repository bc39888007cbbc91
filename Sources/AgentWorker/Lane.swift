import AgentModel
import NIOCore

/// What is handled one after another: the messages of a Kafka partition, of an MQTT topic, of a WebSocket client.
struct LaneKey: Hashable {
    var agent: Int
    var name: String
    var partition: Int32
    var source: MessageSource?
    /// The filter of the handler, where a topic has several: each goes at its own pace.
    var filter: String?
}

/// A lane in which something waits. Others have no object: most messages never meet another.
final class Lane {
    let key: LaneKey
    /// Work that has begun and not left.
    var busy = 0
    /// Its queue is being worked off further up the stack.
    var isPumping = false
    /// It will be worked off on a later turn of the loop.
    var isScheduled = false
    /// Stand still until a reload: these failed for good, and their handler says `on_error = "stop"`. They count as busy.
    private(set) var stopped: [MessageWork] = []
    /// Messages whose delivery failed after they had left the lane, in order of arrival: before all that never began.
    private var retries: [LaneWork] = []
    private var queue: CircularBuffer<LaneWork> = []

    init(_ key: LaneKey) {
        self.key = key
    }

    var isStopped: Bool { !stopped.isEmpty }
    var isEmpty: Bool { queue.isEmpty && retries.isEmpty }
    var isUnused: Bool { busy == 0 && isEmpty && !isScheduled }
    var next: LaneWork? { retries.first ?? queue.first }

    func enqueue(_ work: LaneWork) {
        queue.append(work)
    }

    func removeNext() {
        if retries.isEmpty {
            queue.removeFirst()
        } else {
            retries.removeFirst()
        }
    }

    func enqueueAgain(_ work: LaneWork) {
        let index = retries.firstIndex { $0.sequence > work.sequence } ?? retries.count
        retries.insert(work, at: index)
    }

    func stop(at work: MessageWork) {
        stopped.append(work)
    }

    func takeStopped() -> [MessageWork] {
        defer { stopped = [] }
        return stopped
    }
}
