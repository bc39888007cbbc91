import Synchronization

/// The WebSocket clients of all workers, and how many of them are subscribed to what. From any thread.
final class ClientRegistry: Sendable {
    /// A client as `/realtime/connections` shows it.
    struct Entry: Sendable {
        let record: ClientRecord
        /// In the order of subscribing.
        var subscriptions: [String]
    }

    struct Summary: Sendable {
        var entries: [Entry]
        /// Subscribers of each topic, sorted by topic.
        var topics: [(name: String, subscribers: Int)]
    }

    /// Who would receive a message.
    struct Audience: Sendable {
        var count = 0
        /// The workers that have some of them.
        var workers: [Int] = []
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var connections = 0
        /// Subscribers of a topic, by worker.
        var topics: [String: [Int: Int]] = [:]
        /// Clients with envelopes, by worker.
        var enveloped: [Int: Int] = [:]
    }

    private let state = Mutex(State())
    /// As `State.enveloped` in sum; read without the lock on the way of every event.
    private let envelopedCount = Atomic<Int>(0)

    var hasEnveloped: Bool { envelopedCount.load(ordering: .relaxed) > 0 }

    /// WebSockets open, raw ones included.
    var count: Int { state.withLock { $0.entries.count } }

    func nextConnectionID() -> Int {
        state.withLock {
            $0.connections += 1
            return $0.connections
        }
    }

    func add(_ record: ClientRecord) {
        state.withLock {
            $0.entries[record.id] = Entry(record: record, subscriptions: [])
            if !record.isRaw { $0.enveloped[record.worker, default: 0] += 1 }
        }
        if !record.isRaw { envelopedCount.add(1, ordering: .relaxed) }
    }

    func remove(_ record: ClientRecord) {
        let isRemoved = state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: record.id) else { return false }
            for topic in entry.subscriptions { Self.decrease(&state.topics[topic], of: record.worker) }
            if !record.isRaw { state.enveloped[record.worker, default: 1] -= 1 }
            return true
        }
        if isRemoved, !record.isRaw { envelopedCount.subtract(1, ordering: .relaxed) }
    }

    func record(_ id: String) -> ClientRecord? {
        state.withLock { $0.entries[id]?.record }
    }

    /// Returns how many subscribers the topic now has; subscribing twice changes nothing.
    func subscribe(_ record: ClientRecord, to topic: String) -> Int {
        state.withLock { state in
            if let entry = state.entries[record.id], !entry.subscriptions.contains(topic) {
                state.entries[record.id]?.subscriptions.append(topic)
                state.topics[topic, default: [:]][record.worker, default: 0] += 1
            }
            return state.topics[topic]?.values.reduce(0, +) ?? 0
        }
    }

    func unsubscribe(_ record: ClientRecord, from topic: String) {
        state.withLock { state in
            guard let position = state.entries[record.id]?.subscriptions.firstIndex(of: topic) else { return }
            state.entries[record.id]?.subscriptions.remove(at: position)
            Self.decrease(&state.topics[topic], of: record.worker)
        }
    }

    private static func decrease(_ counts: inout [Int: Int]?, of worker: Int) {
        guard var left = counts, let count = left[worker] else { return }
        left[worker] = count > 1 ? count - 1 : nil
        counts = left.isEmpty ? nil : left
    }

    func subscribers(of topic: String) -> Audience {
        state.withLock { state in
            guard let counts = state.topics[topic] else { return Audience() }
            return Audience(count: counts.values.reduce(0, +), workers: Array(counts.keys))
        }
    }

    /// Every client but those of raw endpoints.
    var enveloped: Audience {
        state.withLock { state in
            let workers = state.enveloped.filter { $0.value > 0 }
            return Audience(count: workers.values.reduce(0, +), workers: Array(workers.keys))
        }
    }

    var summary: Summary {
        let (entries, topics) = state.withLock { state in
            (Array(state.entries.values), state.topics.mapValues { $0.values.reduce(0, +) })
        }
        return Summary(
            entries: entries.sorted { $0.record.connectionID < $1.record.connectionID },
            topics: topics.map { (name: $0.key, subscribers: $0.value) }.sorted { $0.name < $1.name })
    }
}
