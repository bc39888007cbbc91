package import AgentModel
package import Logging
package import NIOCore
import Synchronization

/// The host's subscriptions: one persistent session under a stable client id, for all workers.
///
/// A message is acknowledged to the broker only after it and all others that were read with it were acknowledged by
/// their handlers (contract section 6.1). Whatever was not is delivered again, on the next connection. A message that
/// stays unsettled for `MQTTSettings.holdLimit` costs the connection, never the message.
///
/// Overlapping filters: what is subscribed to has no topic twice (see `SubscriptionPlan`), so that a broker that delivers
/// once for every matching subscription (MQTT 3.1.1 section 3.3.5 lets it) still delivers once.
package final class MQTTSubscriber: Sendable {
    private let connection: MQTTConnection
    private let orders = SubscriberOrders()
    private let hasSpokenOfQoS = Atomic(false)

    /// Connects while there are filters, since a kept session delivers at once, and never stops trying.
    ///
    /// - Parameters:
    ///   - route: chooses the loop and the receiver for a topic, called on the connection's thread. The same topic must
    ///     always go to the same loop: that is what keeps its messages in order.
    /// - Throws: `MQTTError` when there is no thread or no pipe to be had.
    package init(
        settings: MQTTSettings, status: ConnectionStatus, logger: Logger,
        route: @escaping @Sendable (String) -> WorkerSeat
    ) throws(MQTTError) {
        connection = try MQTTConnection(settings: settings, status: status, logger: logger)
        try connection.start(name: "mqtt-subscribe") { [orders] connection in
            SubscriberRole(connection: connection, orders: orders, route: route)
        }
    }

    /// Subscribes to these filters and to no other. Called again, it asks the broker for the difference only.
    ///
    /// - Throws: `MQTTError.Code.invalidSettings` for a filter that MQTT does not allow; then nothing changes.
    package func subscribe(to filters: Set<String>) throws(MQTTError) {
        for filter in filters.sorted() {
            if let defect = MQTTTopic.defect(inFilter: filter) { throw MQTTError(.invalidSettings, defect) }
        }
        if !filters.isEmpty, !hasSpokenOfQoS.exchange(true, ordering: .relaxed) {
            connection.logger.debug(
                "MQTT subscriptions are made at QoS 1: at QoS 2 this client could lose a message if the process died")
        }
        orders.want(filters)
        connection.wake.signal()
    }

    /// True while connected with every wanted filter subscribed to (or refused).
    package var isSubscribed: Bool { orders.isSubscribed }

    /// Succeeds once every wanted filter is subscribed to (or refused), or a connection has failed, or the time is over.
    package func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void> {
        orders.subscribed(within: limit, on: loop)
    }

    /// No further message is read from the socket; those that were read go their way.
    package func pauseIntake() {
        orders.pause()
        connection.wake.signal()
    }

    /// Acknowledges what is settled and disconnects; the broker keeps the session and all that was not acknowledged.
    ///
    /// - Parameter grace: how long to wait for messages that are not settled. After it the connection is dropped
    ///   without acknowledging, since the acknowledgements of one reading leave together or not at all.
    package func stop(grace: TimeAmount = .seconds(1)) async {
        pauseIntake()
        await connection.stop(grace: grace)
    }
}
