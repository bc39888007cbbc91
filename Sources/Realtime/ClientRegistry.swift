import Synchronization

/// The WebSocket clients of all workers, what each is subscribed to, and how many are to what. From any thread.
package final class ClientRegistry: Sendable {
    /// How many bytes of names the subscriptions of one page may have.
    private static let maxPageBytes = 1 << 20

    /// A client as `/realtime/connections` shows it.
    package struct Entry: Sendable {
        package let record: ClientRecord
        /// In the order of subscribing.
        package let subscriptions: [String]
    }

    private struct Client {
        let record: ClientRecord
        var subscriptions = ArrivalOrder<String, Void>()
    }

    /// A part of what there is, with the sums of the whole; all in the order of arrival.
    package struct Page: Sendable {
        /// At most as many subscriptions of each as the page has room for.
        package var entries: [(entry: Entry, hiddenSubscriptions: Int)] = []
        package var topics: [(name: String, subscribers: Int)] = []
        package var totalConnections = 0
        package var totalTopics = 0
        package var totalSubscriptions = 0
        package var totalMessages = 0
    }

    /// Who would receive a message.
    struct Audience: Sendable {
        var count = 0
        /// The workers that have some of them.
        var workers: [Int] = []
    }

    private struct State {
        var entries = ArrivalOrder<String, Client>()
        var connections = 0
        /// Subscribers of a topic, by worker.
        var topics = ArrivalOrder<String, [Int: Int]>()
        var subscriptions = 0
        /// Clients with envelopes, by worker.
        var enveloped: [Int: Int] = [:]

        mutating func join(_ topic: String, _ worker: Int) {
            topics.update(topic, or: [:]) { $0[worker, default: 0] += 1 }
            subscriptions += 1
        }

        mutating func leave(_ topic: String, _ worker: Int) {
            let isEmpty = topics.update(topic, or: [:]) { counts in
                let count = counts[worker] ?? 0
                counts[worker] = count > 1 ? count - 1 : nil
                return counts.isEmpty
            }
            if isEmpty { topics.remove(topic) }
            subscriptions -= 1
        }
    }

    private let state = Mutex(State())
    /// As `State.enveloped` in sum; read without the lock on the way of every event.
    private let envelopedCount = Atomic<Int>(0)

    /// Another one after every change of who receives what.
    private let changes = Atomic<Int>(0)

    /// Changes with every change of who receives what; read without the lock on the way of every message.
    var version: Int { changes.load(ordering: .acquiring) }

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
            $0.entries.update(record.id, or: Client(record: record)) { _ in }
            if !record.isRaw { $0.enveloped[record.worker, default: 0] += 1 }
            noteChange()
        }
        if !record.isRaw { envelopedCount.add(1, ordering: .relaxed) }
    }

    /// Returns the topics that the client was subscribed to.
    @discardableResult
    func remove(_ record: ClientRecord) -> [String] {
        let left: [String]? = state.withLock { state in
            guard let client = state.entries.remove(record.id) else { return nil }
            let topics = Array(client.subscriptions.keys)
            for topic in topics { state.leave(topic, record.worker) }
            if !record.isRaw { state.enveloped[record.worker, default: 1] -= 1 }
            noteChange()
            return topics
        }
        if left != nil, !record.isRaw { envelopedCount.subtract(1, ordering: .relaxed) }
        return left ?? []
    }

    func record(_ id: String) -> ClientRecord? {
        state.withLock { $0.entries[id]?.record }
    }

    /// Returns how many subscribers the topic now has; subscribing twice changes nothing. nil: the client has `most`
    /// subscriptions, and this would be another, or it is gone.
    func subscribe(_ record: ClientRecord, to topic: String, most: Int = .max) -> Int? {
        state.withLock { state in
            guard let subscriptions = state.entries[record.id]?.subscriptions else { return nil }
            if subscriptions[topic] == nil {
                guard subscriptions.count < most else { return nil }
                state.entries.change(record.id) { $0.subscriptions.update(topic, or: ()) { _ in } }
                state.join(topic, record.worker)
                noteChange()
            }
            return state.topics[topic]?.values.reduce(0, +) ?? 0
        }
    }

    /// False: the client was not subscribed.
    @discardableResult
    func unsubscribe(_ record: ClientRecord, from topic: String) -> Bool {
        state.withLock { state in
            let was = state.entries.change(record.id) { $0.subscriptions.remove(topic) != nil } ?? false
            guard was else { return false }
            state.leave(topic, record.worker)
            noteChange()
            return true
        }
    }

    private func noteChange() { changes.add(1, ordering: .releasing) }

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

    /// Those of the topics that no WebSocket is subscribed to.
    func withoutSubscribers(_ topics: some Sequence<String>) -> [String] {
        state.withLock { state in topics.filter { state.topics[$0] == nil } }
    }

    func page(offset: Int, limit: Int) -> Page {
        state.withLock { state in
            var room = Self.maxPageBytes
            let entries = state.entries.page(offset: offset, limit: limit).map { slot in
                let client = slot.value
                let shown = client.subscriptions.keys.prefix { topic in
                    room -= topic.utf8.count
                    return room >= 0
                }
                return (
                    entry: Entry(record: client.record, subscriptions: Array(shown)),
                    hiddenSubscriptions: client.subscriptions.count - shown.count
                )
            }
            return Page(
                entries: entries,
                topics: state.topics.page(offset: offset, limit: limit).map {
                    (name: $0.key, subscribers: $0.value.values.reduce(0, +))
                },
                totalConnections: state.entries.count, totalTopics: state.topics.count,
                totalSubscriptions: state.subscriptions,
                totalMessages: state.entries.values.reduce(0) { $0 + $1.record.messageCount })
        }
    }
}
