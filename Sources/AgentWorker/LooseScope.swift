import AgentModel

/// The scope of what no message caused: a task, a timer, a WebSocket message, an event from outside. Nobody waits for
/// its deliveries, so that one which fails is logged.
final class LooseScope: EffectScope {
    private let slot: AgentSlot?
    private let log: HandlerLog

    init(_ slot: AgentSlot? = nil, log: HandlerLog) {
        self.slot = slot
        self.log = log
    }

    override func notDelivered(_ failure: DeliveryFailure) { log.tell(failure, of: slot, scope: self) }
}
