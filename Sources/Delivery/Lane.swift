package import AgentModel
package import NIOCore

/// What is handled one after another: the messages of a Kafka partition, of an MQTT topic, of a WebSocket client.
package struct LaneKey: Hashable, Sendable {
    package var agent: Int
    package var name: String
    package var partition: Int32
    package var source: TransportName?
    /// The filter of the handler, where a topic has several: each goes at its own pace.
    package var filter: String?

    package init(
        agent: Int, name: String, partition: Int32 = 0, source: TransportName? = nil, filter: String? = nil
    ) {
        self.agent = agent
        self.name = name
        self.partition = partition
        self.source = source
        self.filter = filter
    }
}

/// A lane, of whoever gives the works: the origin of messages, a client. Most of its works never meet another.
package final class Lane<Work> {
    package let key: LaneKey
    /// Something waits in it or holds the others up.
    package var isUsed = false
    /// Work that has begun and not left.
    package var busy = 0
    /// Its queue is being worked off further up the stack.
    package var isPumping = false
    /// It will be worked off on a later turn of the loop.
    package var isScheduled = false
    /// Stand still until a reload: these failed for good, and their handler says `on_error = "stop"`. They count as busy.
    @usableFromInline var stopped: [Work] = []
    /// What is to be tried again after it had left the lane, in order of arrival: before all that never began.
    @usableFromInline var retries: [(sequence: Int, work: Work)] = []
    @usableFromInline var queue: CircularBuffer<Work> = []

    @inlinable package init(_ key: LaneKey) {
        self.key = key
    }

    @inlinable package var isStopped: Bool { !stopped.isEmpty }
    @inlinable package var isEmpty: Bool { busy == 0 && queue.isEmpty && retries.isEmpty && !isScheduled }
    @inlinable package var next: Work? { retries.first?.work ?? queue.first }

    @inlinable package func enqueue(_ work: Work) {
        queue.append(work)
    }

    /// Takes `next` out of its queue: it begins.
    @inlinable package func begin() {
        busy += 1
        if retries.isEmpty {
            queue.removeFirst()
        } else {
            retries.removeFirst()
        }
    }

    /// `sequence` is the place of the work in the order of arrival.
    @inlinable package func enqueueAgain(_ work: Work, sequence: Int) {
        let index = retries.firstIndex { $0.sequence > sequence } ?? retries.count
        retries.insert((sequence, work), at: index)
    }

    @inlinable package func stop(at work: Work) {
        stopped.append(work)
    }

    @inlinable package func takeStopped() -> [Work] {
        defer { stopped = [] }
        return stopped
    }

    /// Lets go of what waits or stands still: works have their lane, which would keep them.
    @inlinable package func clear() {
        stopped = []
        retries = []
        queue = []
        isUsed = false
    }

    /// Takes out what waits or stands still, and is as said.
    @inlinable package func take(where isTaken: (Work) -> Bool) -> [Work] {
        let taken = stopped.filter(isTaken) + retries.map(\.work).filter(isTaken) + queue.filter(isTaken)
        guard !taken.isEmpty else { return [] }
        stopped.removeAll(where: isTaken)
        retries.removeAll { isTaken($0.work) }
        queue = CircularBuffer(queue.filter { !isTaken($0) })
        return taken
    }
}
