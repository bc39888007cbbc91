import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Takes messages in from the transports, for the agents that want them, and has what their way through a handler needs.
/// Confined to its loop.
final class MessageDesk {
    private let slots: [AgentSlot]
    private let loop: any EventLoop
    let invoker: Invoker
    let runQueue: RunQueue
    let lanes: Lanes
    let events: EventBus
    let drain: Drain
    let log: HandlerLog
    let letters: LetterOffice
    private let stamps: Stamps
    /// Messages before their next attempt, or before their dead letter is sent again.
    private var pausing: [ObjectIdentifier: MessageWork] = [:]

    init(
        slots: [AgentSlot], loop: any EventLoop, invoker: Invoker, runQueue: RunQueue, lanes: Lanes, events: EventBus,
        drain: Drain, log: HandlerLog, letters: LetterOffice, stamps: Stamps
    ) {
        self.slots = slots
        self.loop = loop
        self.invoker = invoker
        self.runQueue = runQueue
        self.lanes = lanes
        self.events = events
        self.drain = drain
        self.log = log
        self.letters = letters
        self.stamps = stamps
    }

    func receive(_ message: any InboundMessage) {
        if slots.count == 1 { return deliver(message, at: .of(message.origin, for: slots[0], at: self), part: nil) }
        let all = slots.map { MessagePlace.of(message.origin, for: $0, at: self) }
        var places = all.filter { $0.route?.isWanted ?? true }
        if places.isEmpty { places = Array(all.prefix(1)) }
        let share = places.count > 1 ? MessageShare(agents: places.count) : nil
        for place in places { deliver(message, at: place, part: share.map { MessagePart(of: $0) }) }
    }

    private func deliver(_ message: any InboundMessage, at place: MessagePlace, part: MessagePart?) {
        place.slot.counters.countMessage(at: stamps.now())
        lanes.enter(MessageWork(message, at: place, part: part))
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

    // MARK: Messages without a handler

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
