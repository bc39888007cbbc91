import AgentModel

/// Whom an `EffectScope` is of: what happens to the cause of it all (a message, a task, a timer).
protocol ScopeOwner: AnyObject {
    /// Something waits for the end of what its handlers run beside themselves, which then must not take for ever.
    var isBounded: Bool { get }

    /// Tells what it knows of the cause.
    func describe(in cause: inout Cause)

    /// One of its handlers has failed, which makes the scope fail. False: the owner does not tell of it itself.
    func takes(_ report: HandlerReport) -> Bool

    /// A broker did not take an effect.
    func notDelivered(_ failure: DeliveryFailure)

    /// No handler runs or waits any more; effects and spawned functions may be under way. `failed`: something has failed
    /// already.
    func handlersEnded(failed: Bool)

    /// Everything has ended and is acknowledged, or some of it failed.
    func settled(_ failure: DeliveryFailure?)
}

extension ScopeOwner {
    var isBounded: Bool { false }
    func describe(in cause: inout Cause) {}
    func takes(_ report: HandlerReport) -> Bool { false }
    func notDelivered(_ failure: DeliveryFailure) {}
    func handlersEnded(failed: Bool) {}
    func settled(_ failure: DeliveryFailure?) {}
}
