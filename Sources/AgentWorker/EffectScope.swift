import AgentModel
import Delivery

/// A `Scope`, as what a handler runs for and what its effects report to. What happens to the cause of it all (a message,
/// a task, a timer) is told by those that override its last methods.
///
/// Confined to its worker's loop.
class EffectScope: DeliveryReceipt {
    private var scope = Scope()
    private var flushes: [(DeliveryFailure?) -> Void] = []

    final var hasFailed: Bool { scope.failure != nil }

    /// A handler of this scope begins: the scope stays open until it ends.
    final func beginHandler() { scope.begin(.handler) }

    final func endHandler() {
        scope.end(.handler)
        if !scope.hasHandlers { handlersEnded() }
        settleIfDone()
    }

    /// A spawned function begins: the scope stays open until it ends, but the next handler need not wait for it.
    final func beginBackground() { scope.begin(.spawned) }

    final func endBackground() {
        scope.end(.spawned)
        settleIfDone()
    }

    /// An effect is under way; its receipt is this object.
    final func beginEffect() { scope.begin(.effect) }

    override final func settle(_ failure: DeliveryFailure?) {
        if let failure {
            fail(failure)
            notDelivered(failure)
        }
        scope.end(.effect)
        if !scope.hasEffects, !flushes.isEmpty {
            let waiting = flushes
            flushes = []
            let told = scope.takeUnreported()
            for flush in waiting { flush(told) }
        }
        settleIfDone()
    }

    final func fail(_ failure: DeliveryFailure) { scope.fail(failure) }

    /// Before a message is tried again.
    final func forgetFailure() { scope.forgetFailure() }

    /// Calls back, at once if that is so now, when every effect so far has settled.
    final func flush(_ completion: @escaping (DeliveryFailure?) -> Void) {
        if scope.hasEffects {
            flushes.append(completion)
        } else {
            completion(scope.takeUnreported())
        }
    }

    private func settleIfDone() {
        if scope.close() { settled(scope.failure) }
    }

    /// Something waits for the end of what its handlers run beside themselves, which then must not take for ever.
    var isBounded: Bool { false }

    /// Tells what it knows of the cause.
    func describe(in cause: inout Cause) {}

    /// One of its handlers has failed, which makes the scope fail. False: the scope does not tell of it itself.
    func takes(_ report: HandlerReport) -> Bool { false }

    /// A broker did not take an effect.
    func notDelivered(_ failure: DeliveryFailure) {}

    /// No handler runs or waits any more; effects and spawned functions may be under way.
    func handlersEnded() {}

    /// Everything has ended and is acknowledged, or some of it failed.
    func settled(_ failure: DeliveryFailure?) {}
}
