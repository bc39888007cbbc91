package import NIOCore
import Synchronization

/// How long the stop of a host may take. From any thread.
package final class StopTime: Sendable {
    /// Beyond the grace: `on_stop` has 2 seconds, what was sent 5, sockets 3, and the rest is quick.
    private static let beyondGrace = TimeAmount.seconds(15)
    private let nanoseconds = Atomic<Int64>(TimeAmount.seconds(10).nanoseconds)

    init() {}

    func allow(grace: Duration) {
        nanoseconds.store(TimeAmount(grace).nanoseconds, ordering: .relaxed)
    }

    /// How long handlers in flight may finish.
    var grace: Duration { .nanoseconds(nanoseconds.load(ordering: .relaxed)) }

    /// How long the whole stop takes when nothing goes wrong; what takes longer hangs.
    package var patience: TimeAmount { TimeAmount(grace) + Self.beyondGrace }
}
