package import AgentModel
import NIOCore

/// When a failed message is tried again, and what becomes of it when it is given up.
package struct RetryPolicy: Hashable, Sendable {
    /// The first time included.
    package var attempts: Int
    /// Seconds before the second attempt; doubles with each further one, up to a minute.
    var backoff: Double
    var onError: OnError
    /// False: several of its lane may run at once.
    var keepsOrder: Bool

    /// As a script says it; for what has no handler, as said here.
    package init(attempts: Int = 3, backoff: Double = 0.2, onError: OnError = .dlq, concurrency: Int = 1) {
        self.attempts = attempts
        self.backoff = backoff
        self.onError = onError
        keepsOrder = concurrency == 1
    }

    /// The pause after the given failed attempt (from 1); nil: that was the last.
    func pause(afterAttempt attempt: Int) -> TimeAmount? {
        attempt < attempts ? Self.pause(attempt, backoff: backoff) : nil
    }

    /// A dead letter is never given up: 1, 2, 4 … 60 s after its failures.
    static func pause(beforeLetter failures: Int) -> TimeAmount { pause(failures, backoff: 1) }

    private static func pause(_ failures: Int, backoff: Double) -> TimeAmount {
        let seconds = min(backoff * Double(1 << min(failures - 1, 20)), max(backoff, 60))
        return .nanoseconds(Int64(seconds * 1e9))
    }
}
