import AgentModel
import AgentScript
import NIOCore

extension Worker {
    /// What all candidates together want of brokers.
    package func candidateSubscriptions() -> Subscriptions {
        slots.indices.reduce(into: Subscriptions()) { $0.formUnion(describeCandidate(agent: $1).0) }
    }

    /// What the candidate declares, a line each.
    package func describeCandidate(agent: Int) -> (Subscriptions, [String]) {
        loop.preconditionInEventLoop()
        guard let generation = slots[agent].candidate?.generation, let declaration = generation.declaration else {
            return (Subscriptions(), [])
        }
        let interface = declaration.interface
        let handlers = generation.handlers
        var lines = [
            "\(interface.isRealtime ? "realtime agent" : "agent") \(interface.name)  version \(generation.version)"
        ]
        lines += interface.endpoints.map { "  endpoint   \($0.method) \($0.path)  task \($0.taskType)" }
        lines += interface.websocketEndpoints.map {
            "  websocket  \($0.path)"
                + ($0.isRaw
                    ? "  raw" : $0.autoSubscribe.isEmpty ? "" : "  topics \($0.autoSubscribe.joined(separator: ", "))")
        }
        lines += interface.streamingEndpoints.map { "  stream     \($0.path)  topic \($0.topic)" }
        lines += handlers.tasks.keys.sorted().map { "  task       \($0)" }
        lines += handlers.messages.map {
            "  topic      \($0.filter.text)  \($0.source?.rawValue ?? "kafka, mqtt")  attempts \($0.attempts), then \($0.onError.rawValue)"
        }
        lines += Self.overlaps(of: handlers.messages)
        lines += declaration.settings.streamingTopics.map { "  topic      \($0)  kafka, to events" }
        lines += declaration.settings.mqttTopics.map { "  topic      \($0)  mqtt, to events" }
        lines += handlers.events.keys.sorted().map { "  event      \($0)" }
        lines += handlers.websocket.keys.sorted().map { "  message    \($0)" }
        lines += handlers.timers.map { "  timer      \($0.repeats ? "every" : "after") \($0.interval) s" }
        return (Subscriptions(handlers, declaration.settings, generation.snapshot), lines)
    }

    /// A message may belong to several MQTT filters: a line for each pair, so that nobody is surprised by it.
    private static func overlaps(of handlers: [HandlerTable.Message]) -> [String] {
        let handlers = handlers.filter { $0.source != .kafka }
        // Pairs of very many are more than anyone reads.
        guard handlers.count <= 200 else { return [] }
        return handlers.indices.flatMap { later in
            handlers[..<later].filter { $0.filter.overlaps(handlers[later].filter) }.map { earlier in
                "  overlap    \(earlier.filter.text), \(handlers[later].filter.text)  mqtt, what matches both goes to both handlers, in this order"
            }
        }
    }
}
