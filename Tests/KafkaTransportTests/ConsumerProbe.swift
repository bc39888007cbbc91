import AgentModel
import DevelopmentBrokers
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import KafkaTransport

/// A record as a test compares it.
struct Received: Sendable, Equatable {
    var topic: String
    var partition: Int32
    var offset: Int64
    var key: [UInt8]?
    /// nil: a tombstone.
    var value: [UInt8]?
    var headers: [MessageHeader]
    var timestamp: Int64

    var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

/// The test waited longer than it should have.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// A consumer whose messages are kept, acknowledged as the test says. Confined to its event loop.
final class ConsumerProbe: MessageReceiver, @unchecked Sendable {
    enum Acknowledging: Sendable {
        case atOnce
        /// From a later turn of the loop, as a handler that waits does.
        case later
        case never
    }

    let loop: any EventLoop
    let status: ConnectionStatus
    private var storedConsumer: KafkaConsumer?
    private var received: [Received] = []
    private var held: [any InboundMessage] = []
    private var acknowledging: Acknowledging

    private init(loop: any EventLoop, status: ConnectionStatus, acknowledging: Acknowledging) {
        self.loop = loop
        self.status = status
        self.acknowledging = acknowledging
    }

    static func start(
        _ settings: KafkaSettings, topics: Set<String>, acknowledging: Acknowledging = .atOnce
    ) async throws -> ConsumerProbe {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let status = ConnectionStatus(
            serviceName: "kafka", connectionType: "kafka", endpoint: settings.bootstrapServers)
        let probe = ConsumerProbe(loop: loop, status: status, acknowledging: acknowledging)
        try await loop.submit {
            probe.storedConsumer = try KafkaConsumer(
                settings: settings, eventLoop: loop, receiver: probe, status: status, logger: quietLogger)
            probe.consumer.subscribe(to: topics)
        }.get()
        return probe
    }

    var consumer: KafkaConsumer {
        loop.preconditionInEventLoop()
        guard let storedConsumer else { preconditionFailure("the probe was not started") }
        return storedConsumer
    }

    var messages: [Received] {
        loop.preconditionInEventLoop()
        return received
    }

    /// Delivered and not acknowledged.
    var unacknowledged: [any InboundMessage] {
        loop.preconditionInEventLoop()
        return held
    }

    /// How often it was told to let go of what is not current any more.
    private(set) var revocations = 0

    func revoked() { revocations += 1 }

    func receive(_ message: any InboundMessage) {
        loop.preconditionInEventLoop()
        received.append(Received(message))
        switch acknowledging {
        case .atOnce: message.acknowledge()
        case .later: loop.assumeIsolated().execute { message.acknowledge() }
        case .never: held.append(message)
        }
    }

    /// Acknowledges what is held and matches; the rest stays held.
    func acknowledge(where matches: (any InboundMessage) -> Bool = { _ in true }) {
        loop.preconditionInEventLoop()
        let all = held
        held = []
        for message in all {
            if matches(message) { message.acknowledge() } else { held.append(message) }
        }
    }

    /// Lets go of what is held and matches, as a worker does with messages whose handler need not begin.
    func letGo(where matches: (any InboundMessage) -> Bool = { _ in true }) {
        loop.preconditionInEventLoop()
        held.removeAll(where: matches)
    }

    func acknowledgeFromNowOn() {
        loop.preconditionInEventLoop()
        acknowledging = .atOnce
        acknowledge()
    }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (ConsumerProbe) throws -> Result) async throws -> Result {
        try await loop.submit { try body(self) }.get()
    }

    /// Waits until the condition holds on the loop.
    func wait(
        for what: String, seconds: Int64 = 20, until condition: @escaping @Sendable (ConsumerProbe) -> Bool
    ) async throws {
        try await eventually(what, on: loop, seconds: seconds) { condition(self) }
    }

    func stop() async throws {
        try await loop.flatSubmit { self.consumer.stop() }.get()
    }
}

extension Received {
    init(_ message: any InboundMessage) {
        self.init(
            topic: message.topic, partition: message.partition, offset: message.offset,
            key: message.key.map(Array.init),
            value: message.payload.baseAddress == nil ? nil : Array(message.payload), headers: message.headers,
            timestamp: message.timestamp)
    }
}

/// Looks every few milliseconds, on `loop`, whether the condition holds.
func eventually(
    _ what: String, on loop: any EventLoop, seconds: Int64 = 20, condition: @escaping @Sendable () -> Bool
) async throws {
    let deadline = NIODeadline.now() + .seconds(seconds)
    let promise = loop.makePromise(of: Void.self)
    loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { task in
        if condition() {
            task.cancel()
            promise.succeed()
        } else if NIODeadline.now() > deadline {
            task.cancel()
            promise.fail(TimedOut(description: "waited \(seconds) s for \(what)"))
        }
    }
    try await promise.futureResult.get()
}
