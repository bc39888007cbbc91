package import AgentModel
import AgentScript
import Logging
import LuaRuntime
import NIOCore
import Synchronization

extension Worker: MessageReceiver {
    package func receive(_ message: any InboundMessage) {
        loop.assertInEventLoop()
        if slots.count == 1 {
            deliver(message, to: slots[0]) { message.acknowledge() }
            return
        }
        var targets = slots.filter {
            if case .none = $0.route(topic: message.topic, source: message.source) { return false }
            return true
        }
        if targets.isEmpty { targets = Array(slots.prefix(1)) }
        var remaining = targets.count
        for slot in targets {
            deliver(message, to: slot) {
                remaining -= 1
                if remaining == 0 { message.acknowledge() }
            }
        }
    }

    private func deliver(_ message: any InboundMessage, to slot: AgentSlot, done: @escaping () -> Void) {
        slot.counters.countMessage(at: clock())
        beginMessage()
        let key = LaneKey(
            agent: slot.index, name: message.topic, partition: message.partition, source: message.source)
        enter(MessageWork(message, slot: slot, laneKey: key, worker: self, done: done))
    }

    /// Begins the work, or lets it wait for those before it in its lane.
    func enter(_ work: any LaneWork) {
        if !lanes.isEmpty, let lane = lanes[work.laneKey] {
            lane.enqueue(work)
            pump(lane, work.laneKey)
            return
        }
        work.begin()
        if work.holdsLane {
            let lane = Lane()
            lane.busy = 1
            lanes[work.laneKey] = lane
        }
        drainRunQueue()
    }

    /// A work has ended for good: the next of its lane begins.
    func leaveLane(_ key: LaneKey) {
        guard let lane = lanes[key] else { return }
        lane.busy -= 1
        pump(lane, key)
    }

    private func pump(_ lane: Lane, _ key: LaneKey) {
        guard !lane.isPumping else { return }
        lane.isPumping = true
        while lane.stopped == nil, let next = lane.next, lane.busy < next.concurrency {
            lane.removeNext()
            lane.busy += 1
            next.begin()
        }
        lane.isPumping = false
        if lane.busy == 0, lane.isEmpty { lanes[key] = nil }
    }

    func stopLane(of work: MessageWork) {
        let lane = lanes[work.laneKey] ?? Lane()
        if lanes[work.laneKey] == nil {
            lane.busy = 1
            lanes[work.laneKey] = lane
        }
        lane.stopped = work
        work.slot.counters.stoppedLanes.wrappingAdd(1, ordering: .relaxed)
    }

    /// After a reload, what stood still tries again.
    func restartLanes(of slot: AgentSlot) {
        for (key, lane) in lanes where key.agent == slot.index {
            guard let work = lane.stopped else { continue }
            lane.stopped = nil
            slot.counters.stoppedLanes.wrappingSubtract(1, ordering: .relaxed)
            work.begin()
        }
    }

    /// The event that a message without a handler becomes.
    func dataProcessed(_ message: any InboundMessage, slot: AgentSlot) -> RealtimeEvent {
        var data = ByteBuffer()
        data.writeStaticString("{\"topic\":")
        data.writeJSONString(message.topic)
        data.writeStaticString(message.source == .kafka ? ",\"message\":" : ",\"payload\":")
        if message.payload.baseAddress == nil {
            data.writeStaticString(message.source == .kafka ? "null" : "\"\"")
        } else if (try? JSONScanner.validate(ByteBuffer(bytes: message.payload))) != nil {
            data.writeBytes(message.payload)
        } else {
            data.writeJSONString(String(decoding: message.payload, as: UTF8.self))
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

    /// Sends a message that failed for good to where its owner finds it again (contract section 6, promise 3).
    func sendDeadLetter(of message: any InboundMessage, slot: AgentSlot, error: String, attempts: Int, scope: EffectScope) {
        let value = message.payload.baseAddress == nil ? nil : ByteBuffer(bytes: message.payload)
        var record = KafkaRecord(
            topic: message.source == .kafka
                ? "\(message.topic).dlq" : "\(deadLetterName(slot)).dlq",
            key: message.key.map { ByteBuffer(bytes: $0) }, value: value, headers: message.headers)
        for (name, text) in [
            ("x-original-topic", message.topic), ("x-original-partition", "\(message.partition)"),
            ("x-original-offset", "\(message.offset)"), ("x-original-timestamp", "\(message.timestamp)"),
            ("x-error", String(error.prefix(1000))), ("x-attempts", "\(attempts)"),
            ("x-script-version", slot.live?.generation.version ?? ""),
        ] {
            record.headers.append(MessageHeader(name: name, value: Array(text.utf8)))
        }
        let effect: Effect
        if dispatcher.kafka != nil {
            effect = .kafka(record)
        } else {
            effect = .mqtt(MQTTPublication(topic: "dlq/\(message.topic)", payload: value ?? ByteBuffer(), qos: 1))
        }
        logGivenUp(message, error: error, fate: dispatcher.kafka != nil ? "to \(record.topic)" : "to dlq/\(message.topic)")
        if case .refused(let reason) = dispatcher.perform(effect, for: scope) { scope.fail(DeliveryFailure(reason)) }
    }

    /// The agent's name, with what Kafka does not allow in a topic's name replaced.
    private func deadLetterName(_ slot: AgentSlot) -> String {
        let name = slot.interface?.name ?? "agent"
        let allowed = name.utf8.map { byte -> Character in
            let character = Character(UnicodeScalar(byte))
            return character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character)) ? character : "-"
        }
        return String(allowed.prefix(240))
    }

    func logGivenUp(_ message: any InboundMessage, error: String, fate: String) {
        logger.error(
            "a message failed for good: \(fate)",
            metadata: [
                "topic": "\(message.topic)", "partition": "\(message.partition)", "offset": "\(message.offset)",
                "error": "\(error)",
            ])
    }

    func logDeadLetterFailure(_ failure: DeliveryFailure, message: any InboundMessage) {
        logger.error(
            "a dead letter could not be delivered; trying again, the message stays unacknowledged",
            metadata: ["topic": "\(message.topic)", "error": "\(failure)"])
    }

    func report(_ error: LuaError, in slot: AgentSlot, handler: String) {
        logger.error(
            "\(error.message)",
            metadata: [
                "agent": "\(slot.interface?.name ?? "")", "handler": "\(handler)",
                "traceback": "\(error.traceback ?? "")",
            ])
    }
}
