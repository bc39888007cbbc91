/// Which events a Server-Sent Events stream shows.
package enum StreamKey: Hashable, Sendable {
    /// Every realtime event.
    case events
    /// What is published to a topic, and the events emitted with it.
    case topic(String)

    /// The topic that stands for all events among the subscriptions of a WebSocket.
    package static let eventsTopic = "events"
}
