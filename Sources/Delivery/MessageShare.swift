/// One message that several handlers have, of one agent or of several: acknowledged when the last of them is done. Those
/// that have it share this object.
package final class MessageShare {
    private struct Handler: Hashable {
        var agent: Int
        var filter: String
    }

    private var remaining: Int
    private var handlers: Set<Handler> = []

    /// For so many agents.
    package init(agents: Int = 1) {
        remaining = agents
    }

    /// An agent's handler with this filter gets the message; false: it has had it.
    package func isFirst(agent: Int, filter: String) -> Bool {
        handlers.insert(Handler(agent: agent, filter: filter)).inserted
    }

    /// One of those that have the message becomes several.
    package func split(into count: Int) {
        remaining += count - 1
    }

    /// One is done; true: it was the last.
    package func isLast() -> Bool {
        remaining -= 1
        return remaining == 0
    }
}
