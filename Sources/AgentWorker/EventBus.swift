import AgentModel
import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore

/// Brings events to clients, and to the handlers of every agent of the worker. Confined to its loop.
final class EventBus {
    private let slots: [AgentSlot]
    private let dispatcher: EffectDispatcher
    private let invoker: Invoker
    private let runQueue: RunQueue
    private let log: HandlerLog

    /// Events that handlers emit in turn: beyond this many, one behind the other, the chain is refused. It would not end.
    private static let longestChain = 16

    init(
        slots: [AgentSlot], dispatcher: EffectDispatcher, invoker: Invoker, runQueue: RunQueue, log: HandlerLog
    ) {
        self.slots = slots
        self.dispatcher = dispatcher
        self.invoker = invoker
        self.runQueue = runQueue
        self.log = log
    }

    /// Whether an event is for anyone: a client, a stream, or a handler of any agent.
    func isHeard(_ eventType: String) -> Bool {
        dispatcher.hub?.hears(.event(topic: nil)) == true || hasHandlers(of: eventType)
    }

    func hasHandlers(of eventType: String) -> Bool {
        slots.contains { slot in
            let events = slot.live?.generation.handlers.events
            return events?[eventType] != nil || events?["*"] != nil
        }
    }

    /// To the clients, and to the handlers of every agent in this worker; those hold the scope open until they have
    /// ended. Returns why not, when too many events follow from one another.
    @discardableResult
    func emit(_ event: RealtimeEvent, for scope: EffectScope, depth: Int, by run: Invocation? = nil) -> String? {
        guard depth < Self.longestChain else {
            let reason = "\(depth) events follow from one another; the chain stops at \"\(event.eventType)\""
            log.logger.error("\(reason)")
            return reason
        }
        _ = dispatcher.perform(.event(event), for: scope, by: run)
        for slot in slots {
            guard slot.isHeld else {
                callHandlers(of: slot, event, scope, depth)
                continue
            }
            // They run on the version that the swap leaves in service; their cause is not done before.
            scope.beginHandler()
            slot.whenOpen {
                self.callHandlers(of: slot, event, scope, depth)
                scope.endHandler()
            }
        }
        runQueue.drain()
        return nil
    }

    private func callHandlers(of slot: AgentSlot, _ event: RealtimeEvent, _ scope: EffectScope, _ depth: Int) {
        guard let live = slot.live, !live.generation.handlers.events.isEmpty else { return }
        call(live.generation.handlers.events[event.eventType], of: live, in: slot, event, scope, depth)
        if event.eventType != "*" {
            call(live.generation.handlers.events["*"], of: live, in: slot, event, scope, depth)
        }
    }

    private func call(
        _ functions: [LuaReference]?, of live: LiveGeneration, in slot: AgentSlot, _ event: RealtimeEvent,
        _ scope: EffectScope, _ depth: Int
    ) {
        guard let functions else { return }
        let name = HandlerName.event(event.eventType, id: event.eventID, correlation: event.correlationID)
        for function in functions {
            scope.beginHandler()
            live.enter()
            runQueue.laterInTurn { [self] in
                defer { scope.endHandler() }
                live.leave()
                guard !live.isClosed else {
                    return scope.fail(DeliveryFailure("the script was replaced before its handler of an event began"))
                }
                invoker.run(
                    function, of: live, scope: scope, depth: depth + 1, name: name,
                    timeLimit: slot.settings.taskTimeout,
                    arguments: { (stack) throws(LuaError) in try stack.push(event) },
                    finish: { outcome in
                        // What the event should have caused was not done: neither is the message that caused it.
                        let failure = self.log.failure(outcome, of: live, in: slot, handler: name, scope: scope)
                        if let failure { scope.fail(DeliveryFailure(failure)) }
                    })
            }
        }
    }
}
