import AgentModel
import AgentScript
import AgentWorker
import NIOCore

/// What a test sends and the agent would never get: a mistake in the test, or in the agent.
extension TestHost {
    /// Why no message of the topic reaches the agent; nil when one does. `source` nil: on whichever it subscribes it.
    func refusal(ofTopic topic: String, on source: TransportName?) -> String? {
        if topic.utf8.contains(where: { "+#".utf8.contains($0) }) {
            let one = topic.replacing("+", with: "1").replacing("#", with: "1")
            return "\"\(topic)\" is a filter, and a message has a topic, as \"\(one)\""
        }
        let subscriptions = worker.subscriptions(agent: 0)
        let on = TransportTraits.all.filter { subscriptions[$0.name].matches(topic, on: $0) }
        if source == nil ? !on.isEmpty : on.contains(where: { $0.name == source }) { return nil }
        if let source, let other = on.first {
            return "the agent subscribes \"\(topic)\" on \(other.title), not on \(source.title)"
        }
        let all = subscriptions.all.sorted()
        let refusal = "the agent does not subscribe \"\(topic)\""
        if all.isEmpty { return "\(refusal), nor any other topic; agent:on_message does" }
        let filled = all.map { Self.fill($0, from: topic) }
        if let near = NameSuggestion.nearest(topic, among: filled), let index = filled.firstIndex(of: near) {
            return "\(refusal) (did you mean \"\(all[index])\"?)"
        }
        let shown = all.prefix(20).joined(separator: ", ")
        return "\(refusal); it subscribes \(shown)\(all.count > 20 ? " and \(all.count - 20) more" : "")"
    }

    /// A filter with the levels of a topic in the places of its wildcards, to be compared with that topic.
    private static func fill(_ filter: String, from topic: String) -> String {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        var filled: [Substring] = []
        for (index, level) in filter.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            switch level {
            case "+" where index < levels.count: filled.append(levels[index])
            case "#": filled += levels.dropFirst(index)
            default: filled.append(level)
            }
        }
        return filled.joined(separator: "/")
    }

    /// Why an event of the type is probably not what the test means: nobody hears it, and a handler of nearly that name
    /// would. An event that nobody hears is none by itself: clients may come later, and ask for it.
    func refusal(ofEvent type: String) -> String? {
        guard webSockets.isEmpty, streams.isEmpty, let handlers = generation?.handlers.events,
            handlers[type] == nil, handlers["*"] == nil,
            let near = NameSuggestion.nearest(type, among: handlers.keys.sorted())
        else { return nil }
        return "no handler and no client hears \"\(type)\" (did you mean \"\(near)\"?)"
    }
}

extension SubscribedTopics {
    /// Whether a message of the topic comes by one of these.
    func matches(_ topic: String, on transport: TransportTraits) -> Bool {
        transport.hasFilters ? all.contains { (try? TopicFilter($0))?.matches(topic) ?? false } : all.contains(topic)
    }
}
