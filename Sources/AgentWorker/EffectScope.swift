import AgentModel

/// The delivery barrier: settles when the handlers that belong to one cause have returned and every effect of them has
/// been acknowledged. That cause (a message, a task, a timer) is told by `settled`.
///
/// Confined to its worker's loop.
class EffectScope: DeliveryReceipt {
    private var pending = 0
    private(set) var failure: DeliveryFailure?
    private var flushes: [(DeliveryFailure?) -> Void] = []
    private var handlers = 0

    /// A handler of this scope begins: the scope stays open until it ends.
    final func beginHandler() { handlers += 1 }

    final func endHandler(failure: DeliveryFailure? = nil) {
        handlers -= 1
        if let failure { fail(failure) }
        settleIfDone()
    }

    /// An effect is under way; its receipt is this object.
    final func beginEffect() { pending += 1 }

    override final func settle(_ failure: DeliveryFailure?) {
        pending -= 1
        if let failure { fail(failure) }
        if pending == 0, !flushes.isEmpty {
            let waiting = flushes
            flushes = []
            for flush in waiting { flush(self.failure) }
        }
        settleIfDone()
    }

    final func fail(_ failure: DeliveryFailure) {
        if self.failure == nil { self.failure = failure }
    }

    /// Before a message is tried again.
    final func forgetFailure() { failure = nil }

    final var hasPendingEffects: Bool { pending > 0 }

    /// Calls back when every effect so far has settled.
    final func flush(_ completion: @escaping (DeliveryFailure?) -> Void) {
        flushes.append(completion)
    }

    private func settleIfDone() {
        if handlers == 0, pending == 0 { settled(failure) }
    }

    /// Every handler has returned and every effect is acknowledged, or one of them failed.
    func settled(_ failure: DeliveryFailure?) {}
}
