import AgentModel
import NIOCore

/// Where a message that failed for good goes, so that its owner finds it again (contract section 6, promise 3).
extension Worker {
    private static let mqttPrefix = "dlq/"
    private static let kafkaSuffix = ".dlq"

    /// For people: the topic of the message's dead letter.
    func deadLetterTarget(of message: any InboundMessage, slot: AgentSlot) -> String {
        dispatcher.kafka == nil ? Self.mqttPrefix + message.topic : deadLetterTopic(of: message, slot)
    }

    /// A dead letter on MQTT that a handler with a wildcard took and failed on: another one would come back to that
    /// handler, and so on without an end.
    func isUndeliverableDeadLetter(_ message: any InboundMessage) -> Bool {
        dispatcher.kafka == nil && message.source == .mqtt && message.topic.hasPrefix(Self.mqttPrefix)
    }

    /// Sends it; `scope` learns of the delivery.
    func sendDeadLetter(
        of message: any InboundMessage, slot: AgentSlot, error: String, attempts: Int, version: String,
        scope: EffectScope
    ) {
        // A Kafka record without a value stays one; an MQTT message has at least an empty payload.
        let isEmpty = message.payload.baseAddress == nil
        let value = isEmpty && message.source == .kafka ? nil : ByteBuffer(bytes: message.payload)
        let effect: Effect
        if dispatcher.kafka == nil {
            effect = .mqtt(
                MQTTPublication(topic: Self.mqttPrefix + message.topic, payload: value ?? ByteBuffer(), qos: 1))
        } else {
            var record = KafkaRecord(
                topic: deadLetterTopic(of: message, slot), key: message.key.map { ByteBuffer(bytes: $0) }, value: value,
                headers: message.headers)
            for (name, text) in [
                ("x-original-topic", message.topic), ("x-original-partition", "\(message.partition)"),
                ("x-original-offset", "\(message.offset)"), ("x-original-timestamp", "\(message.timestamp)"),
                ("x-error", String(error.prefix(1000))), ("x-attempts", "\(attempts)"), ("x-script-version", version),
            ] {
                record.headers.append(MessageHeader(name: name, value: Array(text.utf8)))
            }
            effect = .kafka(record)
        }
        if case .refused(let reason) = dispatcher.perform(effect, for: scope) { scope.fail(DeliveryFailure(reason)) }
    }

    private func deadLetterTopic(of message: any InboundMessage, _ slot: AgentSlot) -> String {
        let name = message.source == .kafka ? message.topic : kafkaName(slot.interface?.name ?? "agent")
        // Kafka allows 249 characters; the headers have the whole name.
        return name.prefix(249 - Self.kafkaSuffix.count) + Self.kafkaSuffix
    }

    /// What Kafka does not allow in a topic's name is replaced.
    private func kafkaName(_ name: String) -> String {
        String(
            name.utf8.map { byte -> Character in
                let character = Character(UnicodeScalar(byte))
                let isAllowed =
                    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
                return isAllowed ? character : "-"
            })
    }
}
