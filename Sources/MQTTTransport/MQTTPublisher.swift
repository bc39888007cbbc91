package import AgentModel
package import Logging
package import NIOCore

/// The host's publications, on a connection of their own: a handler that waited for its PUBACK on the subscriber's
/// connection would wait for itself, since nothing is written there before the handler is done.
///
/// While the broker is away publications wait, at most 10,000 messages or 64 MiB, and are sent when it is back. Those
/// that were sent and not acknowledged when a connection ended are sent again, in their order.
package final class MQTTPublisher: Sendable {
    private let connection: MQTTConnection
    private let queue = PublishQueue()

    /// Connects at `connect` or the first publication, and never stops trying.
    ///
    /// - Parameter settings: those of the subscriber; to the client id is added what makes it this publisher's alone, as
    ///   a broker drops the older of two connections of one client id. Its session is clean, so nothing belongs to it.
    /// - Throws: `MQTTError` for settings that `check` refuses, and when there is no thread or no pipe to be had.
    package init(settings: MQTTSettings, status: ConnectionStatus, logger: Logger) throws(MQTTError) {
        connection = try MQTTConnection(
            settings: settings.renamed("\(settings.clientID)-publisher-\(MQTTSettings.uniqueSuffix())"),
            status: status, logger: logger)
        try connection.start(name: "mqtt-publish") { [queue] connection in
            PublisherRole(connection: connection, queue: queue)
        }
    }

    /// Connects before there is anything to publish.
    package func connect() {
        queue.want()
        connection.wake.signal()
    }

    /// A worker's sender: to be used on `eventLoop` only, where its receipts are settled.
    package func sender(on eventLoop: any EventLoop) -> any Outlet {
        MQTTSender(eventLoop: eventLoop, queue: queue, wake: connection.wake)
    }

    /// Publications that are neither acknowledged nor failed.
    package var unsettled: Int { queue.unsettled }

    /// Publishes what waits and disconnects; what is not acknowledged within `grace` fails.
    package func stop(grace: TimeAmount = .seconds(2)) async {
        await connection.stop(grace: grace)
    }
}
