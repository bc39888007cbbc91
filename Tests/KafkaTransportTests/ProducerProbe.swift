import AgentModel
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import KafkaTransport

/// A producer that counts what settles. Confined to its event loop.
final class ProducerProbe: @unchecked Sendable {
    let loop: any EventLoop
    let status: ConnectionStatus
    private var storedProducer: KafkaProducer?
    private var settledInOrder: [String] = []
    private var failures: [String] = []

    private init(loop: any EventLoop, status: ConnectionStatus) {
        self.loop = loop
        self.status = status
    }

    static func start(_ settings: KafkaSettings) async throws -> ProducerProbe {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let status = ConnectionStatus(
            serviceName: "kafka", connectionType: "kafka", endpoint: settings.bootstrapServers)
        let probe = ProducerProbe(loop: loop, status: status)
        try await loop.submit {
            probe.storedProducer = try KafkaProducer(
                settings: settings, eventLoop: loop, status: status, logger: quietLogger)
        }.get()
        return probe
    }

    var producer: KafkaProducer {
        loop.preconditionInEventLoop()
        guard let storedProducer else { preconditionFailure("the probe was not started") }
        return storedProducer
    }

    /// Values of the records acknowledged, in the order of their receipts.
    var settled: [String] {
        loop.preconditionInEventLoop()
        return settledInOrder
    }

    /// What the receipts that failed were told.
    var failed: [String] {
        loop.preconditionInEventLoop()
        return failures
    }

    /// Sends with a receipt; the failure of a record that was not even queued.
    @discardableResult
    func send(_ record: Record) -> DeliveryFailure? {
        loop.preconditionInEventLoop()
        return producer.send(record, receipt: Receipt(of: record, in: self))
    }

    /// Sends the values to a topic and waits for their receipts.
    func produce(_ values: [String], topic: String, key: String? = nil, partition: Int32? = nil) async throws {
        try await loop.flatSubmit { () -> EventLoopFuture<Void> in
            for value in values {
                let failure = self.send(
                    Record(
                        topic: topic, key: key.map(ByteBuffer.init(string:)), value: ByteBuffer(string: value),
                        partition: partition))
                if let failure { return self.loop.makeFailedFuture(failure) }
            }
            return self.producer.flush()
        }.get()
    }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (ProducerProbe) throws -> Result) async throws -> Result {
        try await loop.submit { try body(self) }.get()
    }

    func flush() async throws {
        try await loop.flatSubmit { self.producer.flush() }.get()
    }

    func wait(
        for what: String, seconds: Int64 = 20, until condition: @escaping @Sendable (ProducerProbe) -> Bool
    ) async throws {
        try await eventually(what, on: loop, seconds: seconds) { condition(self) }
    }

    func stop() async throws {
        try await loop.flatSubmit { self.producer.stop() }.get()
    }

    private final class Receipt: DeliveryReceipt {
        private let value: String
        private let probe: ProducerProbe

        init(of record: Record, in probe: ProducerProbe) {
            value = record.value.map { String(buffer: $0) } ?? ""
            self.probe = probe
        }

        override func settle(_ failure: DeliveryFailure?) {
            probe.loop.preconditionInEventLoop()
            if let failure {
                probe.failures.append(failure.description)
            } else {
                probe.settledInOrder.append(value)
            }
        }
    }
}
