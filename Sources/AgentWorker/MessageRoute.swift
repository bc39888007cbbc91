import AgentScript

/// What one generation does with the messages of a topic.
final class MessageRoute {
    let live: LiveGeneration
    /// In order of registration; none: they become events. Several only for MQTT, whose filters may overlap.
    let handlers: [HandlerTable.Message]
    /// False: neither a handler nor the configuration asks for the topic.
    let isWanted: Bool

    init(_ live: LiveGeneration, handlers: [HandlerTable.Message], isWanted: Bool) {
        self.live = live
        self.handlers = handlers
        self.isWanted = isWanted
    }
}
