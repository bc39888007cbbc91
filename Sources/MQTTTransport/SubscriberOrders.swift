import Synchronization

/// What the host wants of the subscriber's thread, and what the thread reports back.
final class SubscriberOrders: Sendable {
    private struct State {
        var filters: Set<String> = []
        var isPaused = false
        var isSubscribed = false
    }

    private let state = Mutex(State())

    var filters: Set<String> { state.withLock { $0.filters } }
    var isPaused: Bool { state.withLock { $0.isPaused } }
    /// True while the broker has exactly the filters that are wanted.
    var isSubscribed: Bool { state.withLock { $0.isSubscribed } }

    func want(_ filters: Set<String>) {
        state.withLock {
            if $0.filters != filters { $0.isSubscribed = false }
            $0.filters = filters
        }
    }

    func pause() {
        state.withLock { $0.isPaused = true }
    }

    func report(subscribed: Bool) {
        state.withLock { $0.isSubscribed = subscribed }
    }
}
