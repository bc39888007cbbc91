import AgentModel
import AgentScript

extension AgentDescription {
    /// nil for a script that has not declared its agent.
    init?(_ generation: Generation) {
        guard let declaration = generation.declaration else { return nil }
        let interface = declaration.interface
        var lines = Self.routes(interface)
        lines += generation.handlers.tasks.keys.sorted().map { Line(.task, $0) }
        lines += Self.topics(generation.handlers, declaration.settings)
        lines += generation.handlers.events.keys.sorted().map { Line(.event, $0) }
        lines += generation.handlers.websocket.keys.sorted().map { Line(.message, $0) }
        lines += generation.handlers.timers.map {
            Line(.timer, "\($0.repeats ? "every" : "after") \(TaskFailure.text($0.interval)) s")
        }
        self.init(
            name: interface.name, isRealtime: interface.isRealtime, file: generation.snapshot.path,
            version: generation.version, lines: lines, warnings: interface.warnings)
    }

    private static func routes(_ interface: AgentInterface) -> [Line] {
        interface.endpoints.map { Line(.endpoint, "\($0.method) \($0.path)", "task \($0.taskType)") }
            + interface.websocketEndpoints.map { endpoint in
                let topics = endpoint.autoSubscribe.joined(separator: ", ")
                return Line(
                    .websocket, endpoint.path, endpoint.isRaw ? "raw" : topics.isEmpty ? "" : "topics \(topics)")
            }
            + interface.streamingEndpoints.map { Line(.stream, $0.path, "topic \($0.topic)") }
            + interface.staticFolders.map { Line(.files, "\($0.path)/", "folder \($0.folder)") }
    }

    private static func topics(_ handlers: HandlerTable, _ settings: AgentSettings) -> [Line] {
        handlers.messages.map {
            Line(
                .topic, $0.filter.text, "attempts \($0.attempts), then \($0.onError.rawValue)", sources: $0.sources)
        }
            + overlaps(of: handlers.messages)
            + settings.topics.sorted { $0.key.description < $1.key.description }
            .flatMap { toEvents($0.value, $0.key, handlers) }
    }

    /// The configured topics that no handler names.
    private static func toEvents(_ topics: [String], _ source: TransportName, _ handlers: HandlerTable) -> [Line] {
        let handled = Set(handlers.messages.filter { $0.sources.contains(source) }.map(\.filter.text))
        return topics.filter { !handled.contains($0) }.map { Line(.topic, $0, "to events", sources: [source]) }
    }

    /// A message may belong to several MQTT filters: a line for each pair, so that nobody is surprised by it.
    private static func overlaps(of handlers: [HandlerTable.Message]) -> [Line] {
        let handlers = handlers.filter { $0.sources.contains { $0.traits?.hasFilters ?? true } }
        // Pairs of very many are more than anyone reads.
        guard handlers.count <= 200 else { return [] }
        return handlers.indices.flatMap { later in
            handlers[..<later].filter { $0.filter.overlaps(handlers[later].filter) }.map { earlier in
                Line(
                    .overlap, "\(earlier.filter.text), \(handlers[later].filter.text)",
                    "mqtt, what matches both goes to both handlers, in this order")
            }
        }
    }
}
