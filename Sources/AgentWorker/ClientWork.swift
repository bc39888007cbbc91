import AgentModel
import AgentScript
import Delivery
import LuaRuntime

/// A message of a WebSocket client: those of one client are handled in order.
final class ClientWork: LaneWork, ScopeOwner {
    let lane: Lane<any LaneWork>
    let sequence: Int
    var isListed = false
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
        lane = sessions.lanes.lane(LaneKey(agent: slot.index, name: client.clientID))
        sequence = sessions.lanes.nextSequence()
    }

    var isReady: Bool { !slot.isHeld }

    var holdsLane: Bool { isHandled }

    func begin() {
        isHandled = true
        start(self)
    }

    /// Runs the handler as this work, now that it is its turn: by the version that is in service now.
    func run(
        _ function: (HandlerTable) -> LuaReference?, name: HandlerName,
        arguments: (Generation, LuaStack) throws(LuaError) -> Int32, failed: @escaping (String) -> Void
    ) {
        guard let live = slot.live, let function = function(live.generation.handlers) else { return leave() }
        if sessions.drain.isGraceOver {
            failed(TaskFailure.stopping.description)
            return leave()
        }
        let scope = EffectScope(self)
        sessions.invoker.run(
            function, of: live, scope: scope, name: name, timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in try arguments(live.generation, stack) },
            finish: { [self] outcome in
                let failure = sessions.log.failure(outcome, of: live, in: slot, handler: name, scope: scope)
                if let failure { failed(failure) }
            })
    }

    func handlersEnded(failed: Bool) { leave() }

    private func leave() {
        isHandled = false
        sessions.lanes.leave(self)
    }

    func describe(in cause: inout Cause) { cause.clientID = lane.key.name }

    func notDelivered(_ failure: DeliveryFailure) { sessions.log.tell(failure, of: slot, for: self) }
}
