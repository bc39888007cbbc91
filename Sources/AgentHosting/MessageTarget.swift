/// What `agenthost send` sends to.
package enum MessageTarget: Sendable, Equatable {
    case kafka(topic: String)
    case mqtt(topic: String)
    case event(type: String)

    /// `kafka:TOPIC`, `mqtt:TOPIC` or `event:TYPE`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let name = String(text[text.index(after: colon)...])
        guard !name.isEmpty else { return nil }
        switch text[..<colon] {
        case "kafka": self = .kafka(topic: name)
        case "mqtt": self = .mqtt(topic: name)
        case "event": self = .event(type: name)
        default: return nil
        }
    }
}
