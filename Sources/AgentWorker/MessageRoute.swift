import AgentModel
import AgentScript
import Delivery

/// What one generation does with the messages of a topic.
final class MessageRoute {
    let live: LiveGeneration
    /// In order of registration; none: they become events. Several only for MQTT, whose filters may overlap.
    let handlers: [HandlerTable.Message]
    private let only: HandlerTable.Message?
    /// False: neither a handler nor the configuration asks for the topic.
    let isWanted: Bool

    init(_ live: LiveGeneration, handlers: [HandlerTable.Message], isWanted: Bool) {
        self.live = live
        self.handlers = handlers
        only = handlers.count == 1 ? handlers[0] : nil
        self.isWanted = isWanted
    }

    /// The handler with the filter, or the only one.
    func handler(filter: String?) -> HandlerTable.Message? {
        guard let filter else { return only }
        return handlers.first { $0.filter.text == filter }
    }
}

extension HandlerTable.Message {
    /// What becomes of messages that it fails on.
    var policy: RetryPolicy {
        RetryPolicy(attempts: attempts, backoff: backoff, onError: onError, concurrency: concurrency)
    }
}
