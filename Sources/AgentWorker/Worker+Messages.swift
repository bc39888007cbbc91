package import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

extension Worker: MessageReceiver {
    package func receive(_ message: any InboundMessage) {
        loop.assertInEventLoop()
        if slots.count == 1 { return deliver(message, to: slots[0], share: nil) }
        var targets = slots.filter { $0.route(topic: message.topic, source: message.source)?.isWanted ?? true }
        if targets.isEmpty { targets = Array(slots.prefix(1)) }
        let share = targets.count > 1 ? MessageShare(agents: targets.count) : nil
        for slot in targets { deliver(message, to: slot, share: share) }
    }

    package func revoked() {
        loop.assertInEventLoop()
        // The transport is in the middle of it, and a script may be on the stack.
        isolated.execute { self.runQueue.goOn { self.letGoRevoked() } }
    }

    private func deliver(_ message: any InboundMessage, to slot: AgentSlot, share: MessageShare?) {
        slot.counters.countMessage(at: clock())
        enter(MessageWork(message, slot: slot, worker: self, share: share))
    }

    /// The event that a message without a handler becomes.
    func dataProcessed(_ message: any InboundMessage, slot: AgentSlot) -> RealtimeEvent {
        var data = ByteBufferAllocator().buffer(capacity: 96 + message.topic.utf8.count + message.payload.count)
        data.writeStaticString("{\"topic\":")
        data.writeJSONString(message.topic)
        data.writeStaticString(message.source == .kafka ? ",\"message\":" : ",\"payload\":")
        if message.isTombstone {
            data.writeStaticString("null")
        } else if (try? JSONScanner.validate(ByteBuffer(bytes: message.payload))) != nil {
            data.writeBytes(message.payload)
        } else {
            data.writeJSON(ofBytes: message.payload)
        }
        if message.source == .kafka {
            data.writeStaticString(",\"partition\":")
            data.writeJSONInteger(Int64(message.partition))
            data.writeStaticString(",\"offset\":")
            data.writeJSONInteger(message.offset)
        }
        data.writeStaticString("}")
        return RealtimeEvent(
            eventID: identifiers.next(), eventType: EventType.dataProcessed, sourceService: slot.settings.serviceName,
            sourceAgent: slot.interface?.name, data: data, timestamp: clock(), topic: message.topic)
    }
}
