import AgentModel

/// The origins of a connection's messages. A topic's messages go to one loop, so that its origin is met on no other.
struct MQTTOrigins {
    /// Topics below a wildcard can be without number: beyond so many the table begins anew.
    private static let most = 10_000

    private var byTopic: [String: MessageOrigin] = [:]

    subscript(topic: String) -> MessageOrigin {
        mutating get {
            if let known = byTopic[topic] { return known }
            if byTopic.count >= Self.most { byTopic = [:] }
            let origin = MessageOrigin(.mqtt, topic: topic)
            byTopic[topic] = origin
            return origin
        }
    }
}
