import AgentModel

/// The scope of what no message caused: a task, a timer, a WebSocket message, an event from outside. Nobody waits for
/// its deliveries, so that one which fails is logged.
final class LooseScope: EffectScope {
    private let slot: AgentSlot?
    private let log: HandlerLog
    /// Of a task that came with one.
    private let request: RequestContext

    init(_ slot: AgentSlot? = nil, request: RequestContext = .none, log: HandlerLog) {
        self.slot = slot
        self.request = request
        self.log = log
    }

    override func describe(in cause: inout Cause) { cause.traceparent = Cause.traceparent(of: request) }

    override func notDelivered(_ failure: DeliveryFailure) { log.tell(failure, of: slot, scope: self) }
}
