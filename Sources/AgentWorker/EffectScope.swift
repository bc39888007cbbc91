import AgentModel
import Delivery

/// A `Scope`, as what a handler runs for and what its effects report to: each attempt of a message has one of its own, and
/// so have a task and a timer. What comes of it is told its owner.
///
/// Confined to its worker's loop.
final class EffectScope: DeliveryReceipt {
    let owner: any ScopeOwner
    /// What a task came with.
    private let request: RequestContext?
    private var scope = Scope()
    /// The first effect that was not even queued, since too much waits for its broker.
    private(set) var overload: DeliveryFailure?
    private var flushes: [(DeliveryFailure?) -> Void] = []

    init(_ owner: any ScopeOwner, request: RequestContext? = nil) {
        self.owner = owner
        self.request = request
    }

    /// Tells what is known of the cause.
    func describe(in cause: inout Cause) {
        owner.describe(in: &cause)
        if let request { cause.traceparent = Cause.traceparent(of: request) }
    }

    /// A handler of this scope begins: the scope stays open until it ends.
    func beginHandler() { scope.begin(.handler) }

    func endHandler() {
        if scope.end(.handler) { owner.handlersEnded(failed: scope.hasFailed) }
        settleIfDone()
    }

    /// A spawned function begins: the scope stays open until it ends, but the next handler need not wait for it.
    func beginBackground() { scope.begin(.spawned) }

    func endBackground() {
        scope.end(.spawned)
        settleIfDone()
    }

    /// An effect is under way; its receipt is this object.
    func beginEffect() { scope.begin(.effect) }

    override func settle(_ failure: DeliveryFailure?) {
        if let failure {
            if failure.isOverload, overload == nil { overload = failure }
            fail(failure)
            owner.notDelivered(failure)
        }
        if scope.end(.effect), !flushes.isEmpty {
            let waiting = flushes
            flushes = []
            let told = scope.takeUnreported()
            for flush in waiting { flush(told) }
        }
        settleIfDone()
    }

    func fail(_ failure: DeliveryFailure) { scope.fail(failure) }

    /// Calls back, at once if that is so now, when every effect so far has settled.
    func flush(_ completion: @escaping (DeliveryFailure?) -> Void) {
        if scope.hasEffects {
            flushes.append(completion)
        } else {
            completion(scope.takeUnreported())
        }
    }

    private func settleIfDone() {
        if scope.close() { owner.settled(scope.hasFailed ? scope.failure : nil) }
    }
}
