import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Takes messages in from the transports, for the agents that want them, and has what their way through a handler needs.
/// Confined to its loop.
final class MessageDesk {
    private let slots: [AgentSlot]
    private let transports: [TransportTraits]
    let loop: any EventLoop
    let dispatcher: EffectDispatcher
    let invoker: Invoker
    let runQueue: RunQueue
    let lanes: Lanes
    let events: EventBus
    let drain: Drain
    let log: HandlerLog
    let spool: any DeadLetterSpool
    let stamps: Stamps
    /// Messages before their next attempt, or before their dead letter is sent again.
    private var pausing: [ObjectIdentifier: MessageWork] = [:]

    init(
        slots: [AgentSlot], transports: [TransportTraits], loop: any EventLoop, dispatcher: EffectDispatcher,
        invoker: Invoker, runQueue: RunQueue,
        lanes: Lanes, events: EventBus, drain: Drain, log: HandlerLog, spool: any DeadLetterSpool, stamps: Stamps
    ) {
        self.slots = slots
        self.transports = transports
        self.loop = loop
        self.dispatcher = dispatcher
        self.invoker = invoker
        self.runQueue = runQueue
        self.lanes = lanes
        self.events = events
        self.drain = drain
        self.log = log
        self.spool = spool
        self.stamps = stamps
    }

    func receive(_ message: any InboundMessage) {
        if slots.count == 1 { return deliver(message, to: slots[0], share: nil) }
        var targets = slots.filter { slot in
            MessagePlace.of(message.origin, for: slot, in: lanes).route?.isWanted ?? true
        }
        if targets.isEmpty { targets = Array(slots.prefix(1)) }
        let share = targets.count > 1 ? MessageShare(agents: targets.count) : nil
        for slot in targets { deliver(message, to: slot, share: share) }
    }

    private func deliver(_ message: any InboundMessage, to slot: AgentSlot, share: MessageShare?) {
        slot.counters.countMessage(at: stamps.now())
        lanes.enter(MessageWork(message, slot: slot, desk: self, share: share))
    }

    /// Messages are not current any more: those of which nothing is under way are let go, wherever they wait.
    func revoked() {
        // The transport is in the middle of it, and a script may be on the stack.
        loop.isolated.execute {
            self.runQueue.goOn {
                for work in self.pausing.values where work.isRevoked { work.letGo() }
                self.lanes.letGoRevoked()
            }
        }
    }

    // MARK: Pauses

    /// Calls back after the time, unless the pause ends before.
    func pause(_ work: MessageWork, for time: TimeAmount, then resume: @escaping () -> Void) {
        pausing[ObjectIdentifier(work)] = work
        loop.isolated.scheduleTask(in: time) { [weak self, weak work] in
            guard let self, let work, pausing.removeValue(forKey: ObjectIdentifier(work)) != nil else { return }
            runQueue.goOn(resume)
        }
    }

    func endPause(of work: MessageWork) { pausing[ObjectIdentifier(work)] = nil }

    func clear() { pausing = [:] }

    // MARK: Where messages go

    func deadLetters(of slot: AgentSlot) -> DeadLetters {
        DeadLetters(outlets: transports.filter { dispatcher.has($0.name) }, agent: slot.interface?.name)
    }

    /// The event that a message without a handler becomes.
    func dataProcessed(_ message: any InboundMessage, slot: AgentSlot) -> RealtimeEvent {
        var data = ByteBufferAllocator().buffer(capacity: 96 + message.topic.utf8.count + message.payload.count)
        data.writeStaticString("{\"topic\":")
        data.writeJSONString(message.topic)
        data.writeString(",\"\(message.transport.payloadName)\":")
        if message.isTombstone {
            data.writeStaticString("null")
        } else if (try? JSONScanner.validate(ByteBuffer(bytes: message.payload))) != nil {
            data.writeBytes(message.payload)
        } else {
            data.writeJSON(ofBytes: message.payload)
        }
        if message.offset >= 0 {
            data.writeStaticString(",\"partition\":")
            data.writeJSONInteger(Int64(message.partition))
            data.writeStaticString(",\"offset\":")
            data.writeJSONInteger(message.offset)
        }
        data.writeStaticString("}")
        return RealtimeEvent(
            eventID: stamps.identifier(), eventType: EventType.dataProcessed, sourceService: slot.settings.serviceName,
            sourceAgent: slot.interface?.name, data: data, timestamp: stamps.now(), topic: message.topic)
    }
}
