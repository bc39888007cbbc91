package import AgentModel
import NIOCore

/// Where a message that failed for good goes, so that its owner finds it again (contract section 6, promise 3).
package struct DeadLetters {
    private static let mqttPrefix = "dlq/"
    private static let kafkaSuffix = ".dlq"

    private let hasKafka: Bool
    private let agent: String

    /// Of an agent on a host that has Kafka, or MQTT alone.
    package init(hasKafka: Bool, agent: String?) {
        self.hasKafka = hasKafka
        self.agent = agent ?? "agent"
    }

    /// The topic of the message's dead letter.
    package func topic(of message: any InboundMessage) -> String {
        guard hasKafka else { return Self.mqttPrefix + message.topic }
        let name = message.source == .kafka ? message.topic : Self.kafkaName(agent)
        // Kafka allows 249 characters; the headers have the whole name.
        return name.prefix(249 - Self.kafkaSuffix.count) + Self.kafkaSuffix
    }

    /// False for a dead letter on MQTT that a handler with a wildcard took and failed on: another one would come back to
    /// that handler, and so on without an end. It is kept instead.
    package func takes(_ message: any InboundMessage) -> Bool {
        hasKafka || message.source != .mqtt || !message.topic.hasPrefix(Self.mqttPrefix)
    }

    /// The message as it goes to its topic of dead letters: key and value as they were, its story in the headers.
    package func letter(
        of message: any InboundMessage, error: String, attempts: Int, version: String
    ) -> DeadLetter {
        // A Kafka record without a value stays one; an MQTT message has at least an empty payload.
        let value = message.isTombstone ? nil : ByteBuffer(bytes: message.payload)
        guard hasKafka else {
            return DeadLetter(.mqtt, Record(topic: topic(of: message), value: value ?? ByteBuffer()))
        }
        var record = Record(
            topic: topic(of: message), key: message.key.map { ByteBuffer(bytes: $0) }, value: value,
            headers: message.headers)
        for (name, text) in [
            ("x-original-topic", message.topic), ("x-original-partition", "\(message.partition)"),
            ("x-original-offset", "\(message.offset)"), ("x-original-timestamp", "\(message.timestamp)"),
            ("x-error", String(error.prefix(1000))), ("x-attempts", "\(attempts)"), ("x-script-version", version),
        ] {
            record.headers.append(MessageHeader(name: name, value: Array(text.utf8)))
        }
        return DeadLetter(.kafka, record)
    }

    /// What Kafka does not allow in a topic's name is replaced.
    private static func kafkaName(_ name: String) -> String {
        String(
            name.utf8.map { byte -> Character in
                let character = Character(UnicodeScalar(byte))
                let isAllowed =
                    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
                return isAllowed ? character : "-"
            })
    }
}
