import AgentModel
import AgentScript
import LuaRuntime
package import NIOCore

extension Worker {
    /// Events that handlers emit in turn: beyond this many, one behind the other, the chain is refused. It would not end.
    static let longestEventChain = 16

    /// To the clients, and to the handlers of every agent in this worker; those hold the scope open until they have ended.
    func emit(_ event: RealtimeEvent, for scope: EffectScope, depth eventDepth: Int) {
        _ = dispatcher.perform(.event(event), for: scope)
        for slot in slots {
            guard let live = slot.live else { continue }
            let events = live.generation.handlers.events
            if events.isEmpty { continue }
            for function in (events[event.eventType] ?? []) + (events["*"] ?? []) {
                scope.beginHandler()
                later { [self] in
                    let generation = live.generation
                    guard !live.isClosed else { return scope.endHandler() }
                    run(
                        function, of: live, scope: scope, depth: eventDepth + 1, name: "handler of event \(event.eventType)",
                        timeLimit: slot.settings.taskTimeout,
                        arguments: { generation.pushEvent(event, on: $0) },
                        finish: { outcome in
                            // What the event should have caused was not done: neither is the message that caused it.
                            let name = "handler of event \(event.eventType)"
                            if let error = self.failure(outcome, in: slot, handler: name) {
                                scope.fail(DeliveryFailure(error))
                            }
                        })
                    scope.endHandler()
                }
            }
        }
        drainRunQueue()
    }
}

extension Worker {
    /// An event from outside, as `agenthost send event:TYPE` gives it; `data` is a JSON object.
    package func inject(type: String, data: ByteBuffer) {
        loop.preconditionInEventLoop()
        let event = RealtimeEvent(
            eventID: identifiers.next(), eventType: type, sourceService: slots.first?.settings.serviceName ?? "",
            data: data, timestamp: clock())
        emit(event, for: EffectScope(), depth: 0)
    }
}
