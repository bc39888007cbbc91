import AgentModel

/// Whom the effects are of that no message caused: those of a task, a timer, a WebSocket message, an event from outside.
/// Nobody waits for their deliveries, so that one which fails is logged.
final class LooseEffects: ScopeOwner {
    private let slot: AgentSlot?
    private let log: HandlerLog

    init(_ slot: AgentSlot? = nil, log: HandlerLog) {
        self.slot = slot
        self.log = log
    }

    func notDelivered(_ failure: DeliveryFailure) { log.tell(failure, of: slot, for: self) }
}
