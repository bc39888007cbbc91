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

    /// What goes wrong; that a broker was reached is no news to who sends one message.
    private static let troubles: Logger = {
        let log = HostLog(format: .text)
        log.configure(.warning)
        return log.logger
    }()

    /// What became of a message, for people.
    package struct Receipt: Sendable {
        package var text: String
        /// Said beside it when several hosts run and none was named.
        package var choice: String?
    }

    /// Sends the bytes. Without `isRaw` they are JSON; an event's data always are. Throws `HostFailure`.
    package static func send(
        _ message: [UInt8], to target: MessageTarget, key: String?, isRaw: Bool, choice: HostChoice
    ) async throws -> Receipt {
        let message = ByteBuffer(bytes: message)
        if !isRaw { try requireJSON(message) }
        if case .kafka(let topic) = target, !KafkaTopicName.isValid(topic) {
            throw HostFailure(
                .agent,
                "\"\(topic)\" is no Kafka topic: 1 to 249 letters, digits, '.', '_' and '-' expected"
                    + (topic.contains("/") ? "; is mqtt:\(topic) meant?" : ""))
        }
        if case .mqtt(let topic) = target, !TopicFilter.isValidTopicName(topic) {
            throw HostFailure(.agent, "\"\(topic)\" is no MQTT topic to send to: a name without + and # expected")
        }
        let registry = HostRegistry()
        let (host, others) = try choice.find(in: registry)
        switch target {
        case .kafka(let topic): try await sendKafka(message, topic: topic, key: key, host)
        case .mqtt(let topic): try await sendMQTT(message, topic: topic, host)
        case .event(let type):
            try await ControlSocket.send(type: type, data: String(buffer: message), pid: host.pid, in: registry)
        }
        let chosen =
            others.isEmpty
            ? nil
            : "\(others.count + 1) hosts run, and this one was started last; --pid or --ready-file chooses another: "
                + HostChoice.list(others)
        return Receipt(text: "sent to \(host.named)", choice: chosen)
    }

    private static func requireJSON(_ message: ByteBuffer) throws {
        do throws(JSONError) {
            try JSONScanner.validate(message)
        } catch {
            let rest = message.getSlice(
                at: message.readerIndex + min(error.offset, message.readableBytes),
                length: max(0, message.readableBytes - error.offset))
            let place = rest.map { String(buffer: $0).prefix(20) } ?? ""
            throw HostFailure(
                .agent,
                "the message is not JSON: \(error)\(place.isEmpty ? ", its end" : ", at \"\(place)\""); a shell wants "
                    + "single quotes around JSON, as '{\"a\": 1}', and --raw sends bytes that are none")
        }
    }

    private static func sendKafka(_ message: ByteBuffer, topic: String, key: String?, _ report: ReadyReport)
        async throws
    {
        guard let servers = report.kafka else { throw HostFailure(.agent, "the host at \(report.named) has no Kafka") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let settings = KafkaSettings(
            bootstrapServers: servers, clientID: "agenthost-send", groupID: "agenthost-send")
        try await deliver(on: loop) { receipt in
            do throws(KafkaError) {
                let producer = try KafkaProducer(
                    settings: settings, eventLoop: loop,
                    status: ConnectionStatus(serviceName: "send", connectionType: "kafka", endpoint: servers),
                    logger: troubles)
                receipt.keeping = producer
                return producer.send(
                    Record(
                        topic: topic, key: key.map { ByteBuffer(string: $0) }, value: message),
                    receipt: receipt)
            } catch {
                return DeliveryFailure("\(ErrorText.of(error))")
            }
        }
    }

    private static func sendMQTT(_ message: ByteBuffer, topic: String, _ report: ReadyReport) async throws {
        guard let broker = report.mqtt, let colon = broker.lastIndex(of: ":"),
            let port = Int(broker[broker.index(after: colon)...])
        else { throw HostFailure(.agent, "the host at \(report.named) has no MQTT") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await deliver(on: loop) { receipt in
            do throws(MQTTError) {
                let publisher = try MQTTPublisher(
                    settings: MQTTSettings(
                        host: String(broker[..<colon]), port: port, clientID: "agenthost-send-\(getpid())"),
                    status: ConnectionStatus(serviceName: "send", connectionType: "mqtt", endpoint: broker),
                    logger: troubles)
                receipt.keeping = publisher
                return publisher.sender(on: loop).send(
                    Record(topic: topic, payload: message), receipt: receipt)
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
