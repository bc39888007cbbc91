import AgentModel
import Foundation
import KafkaTransport
import Logging
import MQTTTransport
import NIOCore
import NIOPosix

/// Puts one message into the brokers of a running host: `agenthost send`.
package enum MessageSender {
    /// Seconds until a broker must have answered.
    private static let patience: Int64 = 10

    /// Returns a line that says where the message went. Throws `HostFailure`.
    package static func send(
        _ message: String, to target: MessageTarget, key: String?, readyFile: String?
    ) async throws -> String {
        do {
            try JSONScanner.validate(ByteBuffer(string: message))
        } catch {
            throw HostFailure(.agent, "the message is not JSON: \(ErrorText.of(error))")
        }
        let registry = HostRegistry()
        let report = try host(readyFile: readyFile, registry)
        switch target {
        case .kafka(let topic): try await sendKafka(message, topic: topic, key: key, report)
        case .mqtt(let topic): try await sendMQTT(message, topic: topic, report)
        case .event(let type): try await ControlSocket.send(type: type, data: message, pid: report.pid, in: registry)
        }
        return "sent"
    }

    /// The host of a ready file, or the one started last.
    static func host(readyFile: String?, _ registry: HostRegistry) throws -> ReadyReport {
        if let readyFile {
            guard let read = ReadyReport(contentsOf: readyFile) else {
                throw HostFailure(.agent, "\(readyFile): no ready file of a running host")
            }
            return read
        }
        guard let newest = try newest(of: registry) else {
            throw HostFailure(
                .agent, "no host runs; start one with `agenthost run AGENT.lua`, or name its ready file")
        }
        return newest
    }

    private static func newest(of registry: HostRegistry) throws(HostFailure) -> ReadyReport? {
        do throws(HostRegistry.Unusable) {
            return try registry.newest()
        } catch {
            throw HostFailure(.agent, "\(error); until then, name the ready file of the host")
        }
    }

    private static func sendKafka(_ message: String, topic: String, key: String?, _ report: ReadyReport) async throws {
        guard let servers = report.kafka else { throw HostFailure(.agent, "the host has no Kafka") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let settings = KafkaTransport.KafkaSettings(
            bootstrapServers: servers, clientID: "agenthost-send", groupID: "agenthost-send")
        try await deliver(on: loop) { receipt in
            do throws(KafkaError) {
                let producer = try KafkaProducer(
                    settings: settings, eventLoop: loop,
                    status: ConnectionStatus(serviceName: "send", connectionType: "kafka", endpoint: servers),
                    logger: Logger(label: "send"))
                receipt.keeping = producer
                return producer.send(
                    KafkaRecord(
                        topic: topic, key: key.map { ByteBuffer(string: $0) }, value: ByteBuffer(string: message)),
                    receipt: receipt)
            } catch {
                return DeliveryFailure("\(ErrorText.of(error))")
            }
        }
    }

    private static func sendMQTT(_ message: String, topic: String, _ report: ReadyReport) async throws {
        guard let broker = report.mqtt, let colon = broker.lastIndex(of: ":"),
            let port = Int(broker[broker.index(after: colon)...])
        else { throw HostFailure(.agent, "the host has no MQTT") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await deliver(on: loop) { receipt in
            do throws(MQTTError) {
                let publisher = try MQTTPublisher(
                    settings: MQTTTransport.MQTTSettings(
                        host: String(broker[..<colon]), port: port, clientID: "agenthost-send-\(getpid())"),
                    status: ConnectionStatus(serviceName: "send", connectionType: "mqtt", endpoint: broker),
                    logger: Logger(label: "send"))
                receipt.keeping = publisher
                return publisher.sender(on: loop).publish(
                    MQTTPublication(topic: topic, payload: ByteBuffer(string: message)), receipt: receipt)
            } catch {
                return DeliveryFailure("\(ErrorText.of(error))")
            }
        }
    }

    /// Waits for the receipt that `send` was given.
    private static func deliver(
        on loop: any EventLoop, _ send: @escaping @Sendable (PromiseReceipt) -> DeliveryFailure?
    ) async throws {
        do {
            try await loop.flatSubmit {
                let promise = loop.makePromise(of: Void.self)
                let receipt = PromiseReceipt(promise)
                let timer = loop.assumeIsolated().scheduleTask(in: .seconds(patience)) {
                    receipt.settle(DeliveryFailure("the broker did not answer within \(patience) s"))
                }
                if let failure = send(receipt) { receipt.settle(failure) }
                promise.futureResult.whenComplete { _ in timer.cancel() }
                return promise.futureResult
            }.get()
        } catch {
            throw HostFailure(.agent, "\(ErrorText.of(error))")
        }
    }
}

/// Completes a promise with what became of a message.
private final class PromiseReceipt: DeliveryReceipt {
    private var promise: EventLoopPromise<Void>?
    /// The client that sends it, which must not end before.
    var keeping: AnyObject?

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    override func settle(_ failure: DeliveryFailure?) {
        if let failure { promise?.fail(failure) } else { promise?.succeed(()) }
        promise = nil
    }
}
