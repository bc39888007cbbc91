package import Synchronization

/// Counts of one agent over all workers, written on their loops and read from any thread.
package final class AgentCounters: Sendable {
    package let messages = Atomic<Int>(0)
    package let errors = Atomic<Int>(0)
    package let retries = Atomic<Int>(0)
    package let deadLetters = Atomic<Int>(0)
    /// Dead letters that could be neither delivered nor kept yet: their partitions stand still.
    package let waitingDeadLetters = Atomic<Int>(0)
    /// Versions put in service after the first.
    package let reloads = Atomic<Int>(0)
    /// Reloads that left the version before in service.
    package let failedReloads = Atomic<Int>(0)
    /// Milliseconds since 1970; 0: none yet.
    package let lastActivity = Atomic<Int64>(0)
    /// Lanes that stand still after `on_error = "stop"`.
    package let stoppedLanes = Atomic<Int>(0)

    package init() {}

    func countMessage(at now: Int64) {
        messages.wrappingAdd(1, ordering: .relaxed)
        lastActivity.store(now, ordering: .relaxed)
    }

    func countError() {
        errors.wrappingAdd(1, ordering: .relaxed)
    }
}
