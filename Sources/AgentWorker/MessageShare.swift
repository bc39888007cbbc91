/// One message that several handlers have: acknowledged when the last of them is done.
final class MessageShare {
    private var remaining: Int

    init(_ count: Int) {
        remaining = count
    }

    /// One of the handlers becomes several.
    func split(into count: Int) {
        remaining += count - 1
    }

    func isLast() -> Bool {
        remaining -= 1
        return remaining == 0
    }
}

/// The handlers of one agent that have a message, by their filters.
final class MessageSiblings {
    var filters: Set<String> = []
}
