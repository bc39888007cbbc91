import NIOCore

/// When a failed message is tried again, and when it is given up.
struct RetryPolicy {
    /// The first time included.
    var attempts: Int
    /// Seconds before the second attempt; doubles with each further one, up to a minute.
    var backoff: Double

    /// A dead letter is never given up.
    static let deadLetters = RetryPolicy(attempts: .max, backoff: 1)

    /// The pause after the given failed attempt (from 1); nil: that was the last.
    func pause(afterAttempt attempt: Int) -> TimeAmount? {
        guard attempt < attempts else { return nil }
        let seconds = min(backoff * Double(1 << min(attempt - 1, 20)), max(backoff, 60))
        return .nanoseconds(Int64(seconds * 1e9))
    }
}
