import AgentModel
import Logging

/// The delivery barrier: settles when the handlers that belong to one cause have returned, what they spawned has ended,
/// and every effect has been acknowledged. What then happens to that cause (a message, a task, a timer) is told by
/// `settled`.
///
/// Confined to its worker's loop.
class EffectScope: DeliveryReceipt {
    private var pending = 0
    private var handlers = 0
    private var background = 0
    private(set) final var failure: DeliveryFailure?
    /// What the next `agent:flush` has to tell; a later one tells only of what failed after it.
    private var unreported: DeliveryFailure?
    private var flushes: [(DeliveryFailure?) -> Void] = []

    /// A handler of this scope begins: the scope stays open until it ends.
    final func beginHandler() { handlers += 1 }

    final func endHandler() {
        handlers -= 1
        if handlers == 0 { handlersEnded() }
        settleIfDone()
    }

    /// A spawned function begins: the scope stays open until it ends, but the next handler need not wait for it.
    final func beginBackground() { background += 1 }

    final func endBackground() {
        background -= 1
        settleIfDone()
    }

    /// An effect is under way; its receipt is this object.
    final func beginEffect() { pending += 1 }

    override final func settle(_ failure: DeliveryFailure?) {
        assert(pending > 0, "an effect was settled twice")
        pending -= 1
        if let failure {
            fail(failure)
            notDelivered(failure)
        }
        if pending == 0, !flushes.isEmpty {
            let waiting = flushes
            flushes = []
            let told = takeUnreported()
            for flush in waiting { flush(told) }
        }
        settleIfDone()
    }

    final func fail(_ failure: DeliveryFailure) {
        if self.failure == nil { self.failure = failure }
        if unreported == nil { unreported = failure }
    }

    /// Before a message is tried again.
    final func forgetFailure() {
        failure = nil
        unreported = nil
    }

    /// Calls back, at once if that is so now, when every effect so far has settled.
    final func flush(_ completion: @escaping (DeliveryFailure?) -> Void) {
        if pending == 0 {
            completion(takeUnreported())
        } else {
            flushes.append(completion)
        }
    }

    private func takeUnreported() -> DeliveryFailure? {
        defer { unreported = nil }
        return unreported
    }

    private func settleIfDone() {
        if handlers == 0, pending == 0, background == 0 { settled(failure) }
    }

    /// Adds what a log line should tell of the cause.
    func describe(in fields: inout Logger.Metadata) {}

    /// One of its handlers has failed, which makes the scope fail. False: the scope does not tell of it itself.
    func takes(_ report: HandlerReport) -> Bool { false }

    /// A broker did not take an effect.
    func notDelivered(_ failure: DeliveryFailure) {}

    /// No handler runs or waits any more; effects and spawned functions may be under way.
    func handlersEnded() {}

    /// Everything has ended and is acknowledged, or some of it failed.
    func settled(_ failure: DeliveryFailure?) {}
}
