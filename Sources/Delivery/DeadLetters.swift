package import AgentModel
import NIOCore

/// Where a message that failed for good goes, so that its owner finds it again (contract section 6, promise 3).
package struct DeadLetters {
    /// The transport that takes them; nil: none is there.
    private let outlet: TransportTraits
    private let agent: String

    /// Of an agent on a host that can send to these transports: the first of them takes the letters. Without any they wait
    /// for the last that the host knows.
    package init(outlets: [TransportTraits], agent: String?) {
        outlet = outlets.first ?? TransportTraits.mqtt
        self.agent = agent ?? "agent"
    }

    /// The topic of the message's dead letter: made from its own, or, on another transport, from the agent's name.
    package func topic(of message: any InboundMessage) -> String {
        let name = message.transport === outlet ? message.topic : Self.allowed(agent)
        switch outlet.letterTopic {
        case .prefix(let prefix): return prefix + message.topic
        // The headers have the whole name.
        case .suffix(let suffix): return name.prefix(outlet.longestTopic - suffix.utf8.count) + suffix
        }
    }

    /// False for a dead letter on MQTT that a handler with a wildcard took and failed on: another one would come back to
    /// that handler, and so on without an end. It is kept instead.
    package func takes(_ message: any InboundMessage) -> Bool {
        guard message.transport === outlet, case .prefix(let prefix) = outlet.letterTopic else { return true }
        return !message.topic.hasPrefix(prefix)
    }

    /// The message as it goes to its topic of dead letters: key and value as they were, its story in the headers.
    package func letter(
        of message: any InboundMessage, error: String, attempts: Int, version: String
    ) -> DeadLetter {
        // A record without a value stays one; any other message has at least an empty payload.
        var record = Record(
            topic: topic(of: message), value: message.isTombstone ? nil : ByteBuffer(bytes: message.payload))
        guard outlet.hasHeaders else { return DeadLetter(outlet.name, record) }
        record.key = message.key.map { ByteBuffer(bytes: $0) }
        record.headers = message.headers
        for (name, text) in [
            ("x-original-topic", message.topic), ("x-original-partition", "\(message.partition)"),
            ("x-original-offset", "\(message.offset)"), ("x-original-timestamp", "\(message.timestamp)"),
            ("x-error", String(error.prefix(1000))), ("x-attempts", "\(attempts)"), ("x-script-version", version),
        ] {
            record.headers.append(MessageHeader(name: name, value: Array(text.utf8)))
        }
        return DeadLetter(outlet.name, record)
    }

    /// What is not allowed in every topic's name is replaced.
    private static func allowed(_ name: String) -> String {
        String(
            name.utf8.map { byte -> Character in
                let character = Character(UnicodeScalar(byte))
                let isAllowed =
                    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
                return isAllowed ? character : "-"
            })
    }
}
