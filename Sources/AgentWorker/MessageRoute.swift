import AgentScript

/// What one generation does with the messages of a topic.
final class MessageRoute {
    let live: LiveGeneration
    /// nil: they become events.
    let handler: HandlerTable.Message?
    /// False: neither a handler nor the configuration asks for the topic.
    let isWanted: Bool

    init(_ live: LiveGeneration, handler: HandlerTable.Message?, isWanted: Bool) {
        self.live = live
        self.handler = handler
        self.isWanted = isWanted
    }
}
