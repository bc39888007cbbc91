import AgentModel
import NIOCore
import Synchronization

/// The event logs of all streams, and which worker has yet to deliver what. From any thread.
///
/// A stream has a log from when it is first opened: nobody can know an id of it before. It keeps it when it is closed, as
/// every client was told an id.
final class EventHistory: Sendable {
    /// How a stream that names the last event it saw goes on.
    enum Resumption: Sendable {
        case from(offset: Int)
        /// The id is not of the window: what to send instead.
        case reset(ByteBuffer)
    }

    fileprivate struct State {
        var logs: [StreamKey: EventLog] = [:]
        /// Streams with events that a worker has not been told of since it last asked.
        var pending: [Int: Set<StreamKey>] = [:]
        var bytes = 0
        var publications = 0
        var created: UInt64 = 0
    }

    /// Beyond, a log without a reader goes for a new one; the least recently published to goes first.
    private static let maxLogs = 4096

    private let window: EventWindow
    /// Milliseconds since 1970 of the start, above the number of the log.
    private let epochBase = UInt64(Timestamp.now()) << 20
    private let state = Mutex(State())
    private let logCount = Atomic<Int>(0)

    init(window: EventWindow) { self.window = window }

    /// False: nothing that is published needs to be kept. Read without the lock on the way of every event.
    var isWatched: Bool { logCount.load(ordering: .relaxed) > 0 }

    /// Whether what is published to the stream is kept: somebody has opened it.
    func keeps(_ key: StreamKey) -> Bool {
        state.withLock { $0.logs[key] != nil }
    }

    // MARK: Publishing

    /// Keeps an event in the logs of those streams that have one; returns the workers to wake.
    func append(_ event: ByteBuffer, to keys: [StreamKey]) -> [Int] {
        state.withLock { state in
            var woken: [Int] = []
            for key in keys {
                // In place: a copy of the log would copy all its events' references.
                guard let change = state.append(event, to: key, maxEvents: window.events, maxBytes: window.bytes) else {
                    continue
                }
                state.bytes += change
                for worker in state.logs[key]?.readersOfWorker.keys ?? [:].keys {
                    if state.pending[worker, default: []].isEmpty { woken.append(worker) }
                    state.pending[worker, default: []].insert(key)
                }
            }
            while state.bytes > window.totalBytes, state.giveWay(except: keys) {}
            logCount.store(state.logs.count, ordering: .relaxed)
            return woken
        }
    }

    // MARK: Reading

    /// A worker opened a stream; returns the id of the last event before it, which is of offset 0 when there was none.
    func open(_ key: StreamKey, worker: Int) -> EventID {
        state.withLock { state in
            if state.logs[key] == nil {
                if state.logs.count >= Self.maxLogs { state.forgetUnread() }
                state.created += 1
                state.logs[key] = EventLog(epoch: epochBase | state.created)
                state.bytes += key.cost
            }
            state.logs[key]?.readers += 1
            state.logs[key]?.readersOfWorker[worker, default: 0] += 1
            logCount.store(state.logs.count, ordering: .relaxed)
            return state.logs[key]?.newestID ?? EventID(epoch: 0, offset: 0)
        }
    }

    func close(_ key: StreamKey, worker: Int) {
        state.withLock { state in
            guard let count = state.logs[key]?.readersOfWorker[worker] else { return }
            state.logs[key]?.readers -= 1
            state.logs[key]?.readersOfWorker[worker] = count > 1 ? count - 1 : nil
        }
    }

    /// How many streams of the key are open, on all workers.
    func readers(of key: StreamKey) -> Int {
        isWatched ? state.withLock { $0.logs[key]?.readers ?? 0 } : 0
    }

    /// The topics that streams are open of, and how many each.
    var readersOfTopics: [String: Int] {
        state.withLock { state in
            state.logs.reduce(into: [:]) { topics, log in
                if case .topic(let name) = log.key, log.value.readers > 0 { topics[name] = log.value.readers }
            }
        }
    }

    func takePending(worker: Int) -> Set<StreamKey> {
        state.withLock { $0.pending.removeValue(forKey: worker) ?? [] }
    }

    func next(of key: StreamKey) -> Int {
        state.withLock { $0.logs[key]?.next ?? 1 }
    }

    func first(of key: StreamKey) -> Int {
        state.withLock { $0.logs[key]?.first ?? 1 }
    }

    func read(_ key: StreamKey, from begin: Int, to end: Int, maxBytes: Int) -> EventLog.Batch {
        state.withLock { $0.logs[key]?.read(from: begin, to: end, maxBytes: maxBytes) ?? .gap }
    }

    /// Where a client goes on whose last event was `id`.
    func resume(_ key: StreamKey, after id: String) -> Resumption {
        state.withLock { state in
            guard let log = state.logs[key] else { return .from(offset: 1) }
            guard let id = EventID(id), id.epoch == log.epoch, id.offset < log.next else {
                return .reset(log.reset(reason: "The event id is unknown"))
            }
            guard id.offset + 1 >= log.first else {
                return .reset(log.reset(reason: "The event is no longer kept"))
            }
            return .from(offset: id.offset + 1)
        }
    }

    func reset(_ key: StreamKey, reason: String) -> ByteBuffer {
        state.withLock { $0.logs[key]?.reset(reason: reason) ?? ByteBuffer() }
    }
}

extension StreamKey {
    /// What a log takes in memory beside its events: itself, its place in the table, and its name.
    fileprivate var cost: Int {
        let name =
            switch self {
            case .events: 0
            case .topic(let topic): topic.utf8.count
            }
        return 512 + name
    }
}

extension EventHistory.State {
    /// The log that was published to least recently, of those that may go.
    private func oldest(_ mayGo: (StreamKey, EventLog) -> Bool) -> StreamKey? {
        var oldest: (key: StreamKey, published: Int)?
        for (key, log) in logs where log.lastPublished < oldest?.published ?? .max && mayGo(key, log) {
            oldest = (key, log.lastPublished)
        }
        return oldest?.key
    }

    fileprivate mutating func forget(_ key: StreamKey) {
        guard let log = logs.removeValue(forKey: key) else { return }
        bytes -= log.bytes + key.cost
    }

    /// Forgets a stream that nobody reads; false when there is none.
    @discardableResult
    fileprivate mutating func forgetUnread(except keys: [StreamKey] = []) -> Bool {
        guard let key = oldest({ !keys.contains($0) && $1.readers == 0 }) else { return false }
        forget(key)
        return true
    }

    /// Makes room: a stream that nobody reads is forgotten, else one that is read loses its events. False: there is
    /// nothing left to take but what was just published.
    fileprivate mutating func giveWay(except keys: [StreamKey]) -> Bool {
        if forgetUnread(except: keys) { return true }
        guard let key = oldest({ !keys.contains($0) && !$1.isEmpty }), let freed = logs[key]?.bytes else {
            return false
        }
        bytes -= freed
        logs[key]?.removeAll()
        return true
    }

    /// Returns by how many bytes the log grew or shrank; nil when the stream has no log.
    fileprivate mutating func append(
        _ event: ByteBuffer, to key: StreamKey, maxEvents: Int, maxBytes: Int
    ) -> Int? {
        guard let before = logs[key]?.bytes else { return nil }
        publications += 1
        logs[key]?.append(event, maxEvents: maxEvents, maxBytes: maxBytes)
        logs[key]?.lastPublished = publications
        return (logs[key]?.bytes ?? 0) - before
    }
}
