package import AgentModel
package import Logging
package import NIOCore

/// Kafka for a host: each worker has clients of its own, on its loop.
package final class KafkaClients: Transport {
    private let seats: [KafkaSeat]
    private let logger: Logger

    /// - Throws: `KafkaError` for settings that librdkafka does not take; then nothing is left open.
    package init(
        settings: KafkaSettings, workers: [WorkerSeat], status: ConnectionStatus, logger: Logger
    ) async throws {
        self.logger = logger
        var seats: [KafkaSeat] = []
        do {
            for worker in workers {
                seats.append(
                    try await worker.eventLoop.submit {
                        try KafkaSeat(
                            settings: settings.forWorker(worker.index), worker: worker, status: status, logger: logger)
                    }.get())
            }
        } catch {
            for seat in seats { try? await seat.eventLoop.flatSubmit { seat.stop() }.get() }
            throw error
        }
        self.seats = seats
    }

    package func outlet(of worker: WorkerSeat) -> any Outlet { seats[worker.index].producer }

    package func subscribe(to topics: SubscribedTopics, sends: Bool) {
        for (index, seat) in seats.enumerated() {
            var own = topics
            // Once a host: the hub takes what it becomes to the clients of the other workers.
            if index > 0 { own.every = [] }
            seat.eventLoop.execute { [own, logger] in
                do throws(KafkaError) {
                    try seat.subscribe(to: own)
                } catch {
                    logger.error("Kafka topics cannot be subscribed", metadata: ["error": "\(ErrorText.of(error))"])
                }
            }
        }
    }

    /// Kafka keeps what comes early.
    package func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void> {
        loop.makeSucceededVoidFuture()
    }

    package func pauseIntake() {
        for seat in seats { seat.eventLoop.execute { seat.pauseIntake() } }
    }

    /// What is acknowledged later, by what is sent until `stop`, is committed then.
    package func stopIntake() async { pauseIntake() }

    package func stop() async {
        await withTaskGroup(of: Void.self) { tasks in
            for seat in seats {
                tasks.addTask { [logger] in
                    do {
                        try await seat.eventLoop.flatSubmit { seat.stop() }.get()
                    } catch {
                        logger.warning("stopping Kafka", metadata: ["error": "\(ErrorText.of(error))"])
                    }
                }
            }
        }
    }

    package func backlog(of worker: WorkerSeat) -> TransportBacklog { seats[worker.index].backlog() }

    package var unsettled: Int? { nil }
}
