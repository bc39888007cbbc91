import AgentModel
import DevelopmentBrokers
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MQTTTransport

let quietLogger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Waits for a condition, at most `seconds`; false when it never held.
func eventually(within seconds: Double = 10, _ condition: () -> Bool) async -> Bool {
    let deadline = NIODeadline.now() + .milliseconds(Int64(seconds * 1_000))
    while !condition() {
        guard NIODeadline.now() < deadline else { return false }
        try? await Task.sleep(nanoseconds: 2_000_000)
    }
    return true
}

/// Runs a foreign client to its end; returns what it printed.
@discardableResult
func run(_ arguments: String..., input: Data? = nil) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    let inputPipe = Pipe()
    process.standardInput = inputPipe
    try process.run()
    if let input { inputPipe.fileHandleForWriting.write(input) }
    try inputPipe.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

/// Takes messages on its loop, and acknowledges them at once or when told to.
final class Collector: MessageReceiver, @unchecked Sendable {
    struct Seen: Equatable {
        let topic: String
        let payload: [UInt8]
        var qos: Int
        var retain: Bool

        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    let loop: any EventLoop
    private let seen = Mutex<[Seen]>([])
    private var held: [any InboundMessage] = []
    private let acknowledges: Bool
    /// So many are held, then all of these are acknowledged in the next turn, the oldest first.
    private let together: Int?
    private let answered = Mutex<[Bool]>([])
    private let revocations = Atomic(0)

    init(
        acknowledges: Bool = true, together: Int? = nil,
        on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) {
        self.acknowledges = acknowledges && together == nil
        self.together = together
        self.loop = loop
    }

    /// Which of those that were acknowledged together were current then.
    var currentWhenAnswered: [Bool] { answered.withLock { $0 } }

    var messages: [Seen] { seen.withLock { $0 } }
    var count: Int { seen.withLock { $0.count } }

    /// How often it was told to let go of what is not current any more.
    var revocationCount: Int { revocations.load(ordering: .relaxed) }

    func revoked() { revocations.wrappingAdd(1, ordering: .relaxed) }

    func receive(_ message: any InboundMessage) {
        loop.preconditionInEventLoop()
        var one = Seen(topic: message.topic, payload: Array(message.payload), qos: -1, retain: false)
        message.eachField { field, value in
            switch value() {
            case .integer(let value) where field.number == MessageField.qos.number: one.qos = Int(value)
            case .flag(let value) where field.number == MessageField.retain.number: one.retain = value
            default: Issue.record("a field \(field.name)")
            }
        }
        seen.withLock { [one] in $0.append(one) }
        if acknowledges { message.acknowledge() } else { held.append(message) }
        if held.count == together {
            loop.execute { [self] in
                answered.withLock { $0 = held.map(\.isCurrent) }
                for message in held { message.acknowledge() }
            }
        }
    }

    /// Acknowledges the held messages that the predicate names.
    func acknowledgeHeld(where predicate: @escaping @Sendable (String) -> Bool = { _ in true }) async throws {
        try await loop.submit { [self] in
            for message in held where predicate(String(decoding: message.payload, as: UTF8.self)) {
                message.acknowledge()
            }
        }.get()
    }

    /// Lets go of the held messages without acknowledging them.
    func dropHeld() async throws {
        try await loop.submit { [self] in held = [] }.get()
    }

    var route: WorkerSeat {
        get async throws {
            let loop = self.loop
            return try await loop.submit { [self] in
                WorkerSeat(eventLoop: loop, receiver: NIOLoopBound(self, eventLoop: loop))
            }.get()
        }
    }
}

/// Counts what became of publications.
final class Receipts: Sendable {
    private final class Receipt: DeliveryReceipt {
        let receipts: Receipts

        init(_ receipts: Receipts) {
            self.receipts = receipts
        }

        override func settle(_ failure: DeliveryFailure?) {
            receipts.outcomes.withLock { $0.append(failure?.description) }
        }
    }

    private let outcomes = Mutex<[String?]>([])
    var settled: [String?] { outcomes.withLock { $0 } }
    var delivered: Int { settled.count { $0 == nil } }

    func next() -> DeliveryReceipt { Receipt(self) }
}

/// A publisher used from one loop.
final class TestPublisher: Sendable {
    let publisher: MQTTPublisher
    let status: ConnectionStatus
    let receipts = Receipts()
    private let loop: any EventLoop
    private let sender: NIOLoopBound<any Outlet>

    init(_ settings: MQTTSettings) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let status = ConnectionStatus(serviceName: "test", connectionType: "mqtt", endpoint: settings.endpoint)
        let publisher = try MQTTPublisher(settings: settings, status: status, logger: quietLogger)
        publisher.connect()
        self.publisher = publisher
        self.status = status
        self.loop = loop
        sender = try await loop.submit { NIOLoopBound(publisher.sender(on: loop), eventLoop: loop) }.get()
    }

    /// Returns the failures of those that could not be queued.
    @discardableResult
    func publish(_ publications: [Record]) async throws -> [String] {
        try await loop.submit { [self] in
            publications.compactMap { sender.value.send($0, receipt: receipts.next())?.description }
        }.get()
    }
}

extension Record {
    init(_ topic: String, _ text: String, qos: Int = 1, retain: Bool = false) {
        self.init(topic: topic, payload: ByteBuffer(string: text), qos: qos, retain: retain)
    }
}

extension EmbeddedMosquitto {
    func settings(_ clientID: String, keepAlive: Int = 60, holdLimit: Int = 600) -> MQTTSettings {
        MQTTSettings(
            host: "127.0.0.1", port: port, clientID: clientID, keepAlive: keepAlive, holdLimit: holdLimit)
    }

    /// A subscriber that is connected and subscribed.
    func subscriber(
        _ clientID: String, _ filters: Set<String>, _ collector: Collector, keepAlive: Int = 60, holdLimit: Int = 600
    ) async throws -> (subscriber: MQTTSubscriber, status: ConnectionStatus) {
        let settings = settings(clientID, keepAlive: keepAlive, holdLimit: holdLimit)
        let status = ConnectionStatus(serviceName: "test", connectionType: "mqtt", endpoint: settings.endpoint)
        let route = try await collector.route
        let subscriber = try MQTTSubscriber(settings: settings, status: status, logger: quietLogger) { _ in route }
        try subscriber.subscribe(to: filters)
        #expect(await eventually { subscriber.isSubscribed })
        return (subscriber, status)
    }

    /// The broker's own process, a child of the shell that watches over it.
    var brokerProcess: pid_t? {
        let shell = child.processID
        let path = "/proc/\(shell)/task/\(shell)/children"
        let children = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return children.split(separator: " ").compactMap { pid_t($0) }.first { child in
            let name = try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)
            return name == "mosquitto\n"
        }
    }
}

/// A broker for one test, ended after it.
@discardableResult
func withBroker<Result>(_ body: (EmbeddedMosquitto) async throws -> Result) async throws -> Result {
    let broker = try EmbeddedMosquitto(logger: quietLogger)
    do {
        let result = try await body(broker)
        await broker.stop()
        return result
    } catch {
        await broker.stop()
        throw error
    }
}
