import AgentModel
import Logging

/// The scope of what no message caused: a task, a timer, a WebSocket message, an event from outside. Nobody waits for
/// its deliveries, so that one which fails is logged.
final class LooseScope: EffectScope {
    private let counters: AgentCounters?
    private let logger: Logger

    init(counters: AgentCounters?, logger: Logger) {
        self.counters = counters
        self.logger = logger
    }

    override func notDelivered(_ failure: DeliveryFailure) {
        counters?.countError()
        logger.error("what a handler sent was not delivered", metadata: ["error": "\(failure)"])
    }
}
