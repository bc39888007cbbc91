import AgentModel

/// Tells, once, what became of a cause.
final class ObservedEffects: ScopeOwner {
    private var completion: ((DeliveryFailure?) -> Void)?

    init(_ completion: @escaping (DeliveryFailure?) -> Void) {
        self.completion = completion
    }

    func settled(_ failure: DeliveryFailure?) {
        let completion = completion
        self.completion = nil
        completion?(failure)
    }
}
