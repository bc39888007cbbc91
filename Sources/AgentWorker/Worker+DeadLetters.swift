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
    /// handler, and so on without an end. It is kept instead.
    func isUndeliverableDeadLetter(_ message: any InboundMessage) -> Bool {
        dispatcher.kafka == nil && message.source == .mqtt && message.topic.hasPrefix(Self.mqttPrefix)
    }

    /// The message as it goes to its topic of dead letters: key and value as they were, its story in the headers.
    func deadLetter(
        of message: any InboundMessage, slot: AgentSlot, error: String, attempts: Int, version: String
    ) -> DeadLetter {
        // A Kafka record without a value stays one; an MQTT message has at least an empty payload.
        let value = message.isTombstone ? nil : ByteBuffer(bytes: message.payload)
        guard dispatcher.kafka != nil else {
            return .mqtt(
                MQTTPublication(topic: Self.mqttPrefix + message.topic, payload: value ?? ByteBuffer(), qos: 1))
        }
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
        return .kafka(record)
    }

    /// Sends it; `scope` learns of the delivery.
    func send(_ letter: DeadLetter, scope: EffectScope) {
        if case .refused(let reason) = dispatcher.perform(letter.effect, for: scope) {
            scope.fail(DeliveryFailure(reason))
        }
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
