package import Synchronization

/// Counts of one agent over all workers, read from any thread: each worker has a set that it alone writes, and they are
/// summed when somebody asks.
package final class AgentCounters: Sendable {
    private let workers = Mutex<[WorkerCounters]>([])
    /// Versions put in service after the first.
    package let reloads = Atomic<Int>(0)
    /// Reloads that left the version before in service.
    package let failedReloads = Atomic<Int>(0)

    package init() {}

    /// The set of one more worker.
    func ofNewWorker() -> WorkerCounters {
        let counters = WorkerCounters()
        workers.withLock { $0.append(counters) }
        return counters
    }

    package var messages: Int { sum { $0.messages.now } }
    package var errors: Int { sum { $0.errors.now } }
    package var retries: Int { sum { $0.retries.now } }
    package var deadLetters: Int { sum { $0.deadLetters.now } }
    /// Dead letters that could be neither delivered nor kept yet: their partitions stand still.
    package var waitingDeadLetters: Int { sum { $0.waitingDeadLetters.now } }
    /// Lanes that stand still after `on_error = "stop"`.
    package var stoppedLanes: Int { sum { $0.stoppedLanes.now } }
    /// Milliseconds since 1970; 0: none yet.
    package var lastActivity: Int64 { Int64(all.map { $0.lastActivity.now }.max() ?? 0) }

    private var all: [WorkerCounters] { workers.withLock { $0 } }

    private func sum(_ count: (WorkerCounters) -> Int) -> Int { all.reduce(0) { $0 + count($1) } }
}

/// Counts of one agent in one worker, written on its loop.
final class WorkerCounters: Sendable {
    let messages = Count()
    let errors = Count()
    let retries = Count()
    let deadLetters = Count()
    let waitingDeadLetters = Count()
    let stoppedLanes = Count()
    let lastActivity = Count()

    func countMessage(at now: Int64) {
        messages.add(1)
        lastActivity.set(Int(now))
    }

    func countError() { errors.add(1) }
}

/// A number that one thread writes, and any may read: no write waits for another core.
struct Count: ~Copyable, Sendable {
    private let value = Atomic<Int>(0)

    var now: Int { value.load(ordering: .relaxed) }

    func add(_ more: Int) { set(now &+ more) }

    func set(_ new: Int) { value.store(new, ordering: .relaxed) }
}
