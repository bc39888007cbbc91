import AgentModel
import AgentScript
import Delivery

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

    /// The handler with the filter, or the only one.
    func index(filter: String?) -> Int? {
        if let filter { return handlers.firstIndex { $0.filter.text == filter } }
        return handlers.count == 1 ? 0 : nil
    }
}

extension HandlerTable.Message {
    /// What becomes of messages that it fails on.
    var policy: RetryPolicy {
        RetryPolicy(attempts: attempts, backoff: backoff, onError: onError, concurrency: concurrency)
    }
}
