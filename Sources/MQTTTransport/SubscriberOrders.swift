import NIOCore
import Synchronization

/// What the host wants of the subscriber's thread, and what the thread reports back.
final class SubscriberOrders: Sendable {
    private struct State {
        var filters: Set<String> = []
        var isPaused = false
        var isSubscribed = false
        /// Of those who wait for it.
        var waiters: [EventLoopPromise<Void>] = []
    }

    private let state = Mutex(State())
    /// Another one each time that filters were wanted; read without the lock in every turn of the thread.
    private let wishes = Atomic(0)

    /// To be read before `filters`.
    var version: Int { wishes.load(ordering: .acquiring) }

    var filters: Set<String> { state.withLock { $0.filters } }
    var isPaused: Bool { state.withLock { $0.isPaused } }
    /// True while the broker has exactly the filters that are wanted.
    var isSubscribed: Bool { state.withLock { $0.isSubscribed } }

    func want(_ filters: Set<String>) {
        state.withLock {
            if $0.filters != filters { $0.isSubscribed = false }
            $0.filters = filters
            wishes.add(1, ordering: .releasing)
        }
    }

    func pause() {
        state.withLock { $0.isPaused = true }
    }

    func report(subscribed: Bool) {
        let waiters = state.withLock { state in
            state.isSubscribed = subscribed
            return subscribed ? Self.taken(&state.waiters) : []
        }
        for waiter in waiters { waiter.succeed() }
    }

    /// Whoever waits for the subscriptions has waited long enough: they may come late.
    func connectionEnded() {
        for waiter in state.withLock({ Self.taken(&$0.waiters) }) { waiter.succeed() }
    }

    /// Succeeds once the broker has the filters that are wanted, or the connection has failed, or the time is over.
    func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let waiter = loop.makePromise(of: Void.self)
        let isWaiting = state.withLock { state in
            guard !state.isSubscribed, !state.filters.isEmpty else { return false }
            state.waiters.append(waiter)
            return true
        }
        guard isWaiting else {
            waiter.succeed()
            return waiter.futureResult
        }
        let alarm = loop.scheduleTask(in: limit) { self.connectionEnded() }
        return waiter.futureResult.always { _ in alarm.cancel() }
    }

    private static func taken(_ waiters: inout [EventLoopPromise<Void>]) -> [EventLoopPromise<Void>] {
        defer { waiters = [] }
        return waiters
    }
}
