package import AgentModel
package import Logging
package import NIOCore

/// MQTT for a host: its workers share a client that brings messages and one that sends.
package final class MQTTClients: Transport {
    private let subscriber: MQTTSubscriber
    private let publisher: MQTTPublisher

    /// - Throws: `MQTTError` for settings that `check` refuses, and when there is no thread or no pipe to be had.
    package init(
        settings: MQTTSettings, workers: [WorkerSeat], status: ConnectionStatus, logger: Logger
    ) throws(MQTTError) {
        subscriber = try MQTTSubscriber(
            settings: settings, status: status, logger: logger,
            // Messages of one topic always go to the same worker, so that their order holds.
            route: { topic in
                let hash = topic.utf8.reduce(5381) { ($0 &* 33) ^ Int($1) }.magnitude
                return workers[Int(hash % UInt(workers.count))]
            })
        publisher = try MQTTPublisher(settings: settings, status: status, logger: logger)
    }

    package func outlet(of worker: WorkerSeat) -> any Outlet { publisher.sender(on: worker.eventLoop) }

    package func subscribe(to topics: SubscribedTopics, sends: Bool) throws {
        if sends { publisher.connect() }
        try subscriber.subscribe(to: topics.all)
    }

    /// What is published before is not the host's.
    package func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void> {
        subscriber.subscribed(within: limit, on: loop)
    }

    package func pauseIntake() { subscriber.pauseIntake() }

    package func stopIntake() async { await subscriber.stop() }

    package func stop() async { await publisher.stop() }

    package func backlog(of worker: WorkerSeat) -> TransportBacklog { TransportBacklog() }

    package var unsettled: Int? { publisher.unsettled }
}
