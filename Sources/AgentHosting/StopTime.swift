package import NIOCore
import Synchronization

/// How long the stop of a host may take. From any thread.
package final class StopTime: Sendable {
    /// Until when each part of a stop may take.
    struct Deadlines {
        /// What is under way; what has not finished then is cut off.
        var handlers: NIODeadline
        /// The scripts' `on_stop`.
        var stopFunctions: NIODeadline
        /// What was sent, the last commits, and the sockets; a little is left for the end of the process.
        var connections: NIODeadline
    }

    /// What the end takes that no script is asked for any more: stores, embedded brokers, loops.
    private static let beyondGrace = TimeAmount.seconds(5)
    /// Of the grace, for what comes after handlers: a fifth, and no more than this.
    private static let mostReserved = TimeAmount.seconds(2)
    /// What `on_stop`, and what was sent, have at least, when the grace is short.
    private static let least = TimeAmount.milliseconds(500)

    private let nanoseconds = Atomic<Int64>(TimeAmount.seconds(10).nanoseconds)

    init() {}

    func allow(grace: Duration) {
        nanoseconds.store(TimeAmount(grace).nanoseconds, ordering: .relaxed)
    }

    /// How long the stop takes at the most, with everything open that can be open.
    var grace: Duration { .nanoseconds(nanoseconds.load(ordering: .relaxed)) }

    private var reserved: TimeAmount { min(.nanoseconds(TimeAmount(grace).nanoseconds / 5), Self.mostReserved) }

    /// What handlers in flight have of it.
    var forHandlers: Duration { grace - .nanoseconds(reserved.nanoseconds) }

    /// When the parts of a stop end that begins `now`.
    func deadlines(from now: NIODeadline = .now()) -> Deadlines {
        let reserved = reserved
        let end = now + TimeAmount(grace)
        let stopFunctions = max(end - .nanoseconds(reserved.nanoseconds / 2), now + Self.least)
        return Deadlines(
            handlers: end - reserved, stopFunctions: stopFunctions,
            connections: max(end - .nanoseconds(reserved.nanoseconds / 8), stopFunctions + Self.least))
    }

    /// What takes longer hangs.
    package var patience: TimeAmount { TimeAmount(grace) + Self.beyondGrace }
}
