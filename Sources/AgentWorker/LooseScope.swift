import AgentModel
import Logging

/// The scope of what no message caused: a task, a timer, a WebSocket message, an event from outside. Nobody waits for
/// its deliveries, so that one which fails is logged.
final class LooseScope: EffectScope {
    private let slot: AgentSlot?
    private let logger: Logger

    init(slot: AgentSlot?, logger: Logger) {
        self.slot = slot
        self.logger = logger
    }

    override func notDelivered(_ failure: DeliveryFailure) {
        slot?.counters.countError()
        logger.error(
            "what a handler sent was not delivered",
            metadata: ["agent": "\(slot?.interface?.name ?? "")", "error": "\(failure)"])
    }
}
