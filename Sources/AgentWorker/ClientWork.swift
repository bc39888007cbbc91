import AgentModel
import AgentScript
import Logging
import LuaRuntime

/// A message of a WebSocket client: those of one client are handled in order.
final class ClientWork: LaneWork {
    private let slot: AgentSlot
    private let start: (ClientWork) -> Void

    init(
        _ client: any WebSocketClient, slot: AgentSlot, worker: Worker, start: @escaping (ClientWork) -> Void
    ) {
        self.slot = slot
        self.start = start
        super.init(
            laneKey: LaneKey(agent: slot.index, name: client.clientID, partition: 0, source: nil), worker: worker)
    }

    override var isReady: Bool { !slot.isHeld }

    override func begin() { start(self) }

    /// Runs the handler as this work, now that it is its turn: by the version that is in service now.
    func run(
        _ function: (HandlerTable) -> LuaReference?, name: HandlerName,
        arguments: (Generation, LuaStack) throws(LuaError) -> Int32, failed: @escaping (String) -> Void
    ) {
        guard let live = slot.live, let function = function(live.generation.handlers) else { return leaveLane() }
        if worker.isGraceOver {
            failed(TaskFailure.stopping.description)
            return leaveLane()
        }
        worker.run(
            function, of: live, scope: self, name: name, timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in try arguments(live.generation, stack) },
            finish: { [self] outcome in
                let failure = worker.failure(outcome, of: live, in: slot, handler: name, scope: self)
                if let failure { failed(failure) }
            })
    }

    override func handlersEnded() { leaveLane() }

    override func describe(in fields: inout Logger.Metadata) {
        fields["client_id"] = "\(laneKey.name)"
    }

    override func notDelivered(_ failure: DeliveryFailure) {
        slot.counters.countError()
        var fields: Logger.Metadata = ["agent": "\(slot.interface?.name ?? "")", "error": "\(failure)"]
        describe(in: &fields)
        worker.logger.error("what a handler sent was not delivered", metadata: fields)
    }
}
