/// Who would receive a message, as one worker knows it: looked up in the registry again only after somebody has come,
/// gone, subscribed or unsubscribed, so that publishing takes no lock. Confined to the worker's loop.
struct Audiences {
    /// How many topics are remembered; a script may publish to any number of them.
    private static let mostTopics = 1024

    private let registry: ClientRegistry
    /// Of the registry, when the rest was looked up.
    private var version = 0
    private var topics: [String: ClientRegistry.Audience] = [:]
    private var everybody: ClientRegistry.Audience?

    init(_ registry: ClientRegistry) { self.registry = registry }

    mutating func subscribers(of topic: String) -> ClientRegistry.Audience {
        forgetChanged()
        if let known = topics[topic] { return known }
        if topics.count >= Self.mostTopics { topics.removeAll(keepingCapacity: true) }
        let audience = registry.subscribers(of: topic)
        topics[topic] = audience
        return audience
    }

    /// Every client but those of raw endpoints.
    mutating func enveloped() -> ClientRegistry.Audience {
        forgetChanged()
        if let everybody { return everybody }
        let audience = registry.enveloped
        everybody = audience
        return audience
    }

    /// The version is read before the rest is looked up: what changes in between is looked up once more.
    private mutating func forgetChanged() {
        let current = registry.version
        guard current != version else { return }
        version = current
        topics.removeAll(keepingCapacity: true)
        everybody = nil
    }
}
