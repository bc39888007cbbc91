import AgentModel
import AgentScript
import Delivery
import LuaRuntime

/// A message of a WebSocket client: those of one client are handled in order.
final class ClientWork: LaneWork {
    private let slot: AgentSlot
    private let sessions: ClientSessions
    private let start: (ClientWork) -> Void
    private var isHandled = false

    init(
        _ client: any WebSocketClient, slot: AgentSlot, sessions: ClientSessions,
        start: @escaping (ClientWork) -> Void
    ) {
        self.slot = slot
        self.sessions = sessions
        self.start = start
        let key = LaneKey(agent: slot.index, name: client.clientID)
        super.init(lane: sessions.lanes.lane(key), lanes: sessions.lanes)
    }

    override var isReady: Bool { !slot.isHeld }

    override var holdsLane: Bool { isHandled }

    override func begin() {
        isHandled = true
        start(self)
    }

    /// Runs the handler as this work, now that it is its turn: by the version that is in service now.
    func run(
        _ function: (HandlerTable) -> LuaReference?, name: HandlerName,
        arguments: (Generation, LuaStack) throws(LuaError) -> Int32, failed: @escaping (String) -> Void
    ) {
        guard let live = slot.live, let function = function(live.generation.handlers) else { return handlersEnded() }
        if sessions.drain.isGraceOver {
            failed(TaskFailure.stopping.description)
            return handlersEnded()
        }
        sessions.invoker.run(
            function, of: live, scope: self, name: name, timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in try arguments(live.generation, stack) },
            finish: { [self] outcome in
                let failure = sessions.log.failure(outcome, of: live, in: slot, handler: name, scope: self)
                if let failure { failed(failure) }
            })
    }

    override func handlersEnded() {
        isHandled = false
        leaveLane()
    }

    override func describe(in cause: inout Cause) {
        cause.clientID = lane.key.name
    }

    override func notDelivered(_ failure: DeliveryFailure) { sessions.log.tell(failure, of: slot, scope: self) }
}
