import Delivery

/// What one of several handlers has of a message, or one of several agents.
final class MessagePart {
    let share: MessageShare
    /// The filter of the handler, and its own lane; nil: the part is an agent's, whatever handlers it has.
    let handler: (filter: String, lane: Lane<any LaneWork>)?

    init(of share: MessageShare, handler: (filter: String, lane: Lane<any LaneWork>)? = nil) {
        self.share = share
        self.handler = handler
    }
}
