import AgentModel

/// The scope of what no message caused: a task, a timer, a WebSocket message, an event from outside. Nobody waits for
/// its deliveries, so that one which fails is logged.
final class LooseScope: EffectScope {
    private let slot: AgentSlot?
    private let worker: Worker

    init(slot: AgentSlot?, worker: Worker) {
        self.slot = slot
        self.worker = worker
    }

    override func notDelivered(_ failure: DeliveryFailure) { worker.tell(failure, of: slot, scope: self) }
}
