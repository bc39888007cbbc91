import AgentModel

/// Tells, once, what became of a cause.
final class ObservedScope: EffectScope {
    private var completion: ((DeliveryFailure?) -> Void)?

    init(_ completion: @escaping (DeliveryFailure?) -> Void) {
        self.completion = completion
    }

    override func settled(_ failure: DeliveryFailure?) {
        let completion = completion
        self.completion = nil
        completion?(failure)
    }
}
