import AgentModel
import DevelopmentBrokers
import Foundation
import NIOCore
import Testing

@testable import MQTTTransport

@Suite struct ReconnectTests {
    @Test("after the death of the broker both sides connect again, and what waited arrives")
    func restart() async throws {
        try await withBroker { broker in
            let collector = Collector()
            let (subscriber, status) = try await broker.subscriber("restart", ["t"], collector)
            let publisher = try await TestPublisher(broker.settings("restart"))
            try await publisher.publish([Record("t", "before")])
            #expect(await eventually { collector.count == 1 && publisher.receipts.delivered == 1 })

            let process = try #require(broker.brokerProcess)
            kill(process, SIGKILL)
            #expect(await eventually { status.current.retryCount >= 1 && publisher.status.current.retryCount >= 1 })
            // The broker keeps nothing, so these may be sent only after the new session has its subscription.
            #expect(await eventually { status.current.status == .connected && subscriber.isSubscribed })
            try await publisher.publish((1...50).map { Record("t", "after\($0)") })
            #expect(await eventually { collector.messages.last?.text == "after50" })
            #expect(await eventually { publisher.receipts.delivered == 51 })
            #expect(collector.messages.dropFirst().map(\.text) == (1...50).map { "after\($0)" })
            await publisher.publisher.stop()
            await subscriber.stop()
        }
    }

    @Test("what is published while the broker is away waits, in its order, and arrives when it is there")
    func waits() async throws {
        let port: Int = try await withBroker { $0.port }
        let settings = MQTTSettings(host: "127.0.0.1", port: port, clientID: "waits")
        let publisher = try await TestPublisher(settings)
        try await publisher.publish((1...50).map { Record("t/\($0)", "\($0)", qos: $0 % 3, retain: true) })
        #expect(await eventually { publisher.status.current.status == .reconnecting })
        #expect(publisher.status.current.errorMessage?.contains("Connection refused") == true)
        #expect(publisher.receipts.settled.isEmpty)

        let broker = try EmbeddedMosquitto(port: port, logger: quietLogger)
        #expect(await eventually { publisher.receipts.delivered == 50 })
        let collector = Collector()
        let (subscriber, _) = try await broker.subscriber("waits", ["t/#"], collector)
        #expect(await eventually { collector.count == 50 })
        await subscriber.stop()
        await publisher.publisher.stop()
        await broker.stop()
    }

    @Test("a full queue says so, and a stop fails what never left")
    func fullQueue() async throws {
        let port: Int = try await withBroker { $0.port }
        let publisher = try await TestPublisher(MQTTSettings(host: "127.0.0.1", port: port, clientID: "full"))
        let failures = try await publisher.publish((0..<10_002).map { Record("t", "\($0)") })
        #expect(failures.count == 2)
        #expect(failures.first?.hasPrefix("the MQTT send queue is full (10000 messages") == true)
        await publisher.publisher.stop()
        #expect(await eventually { publisher.receipts.settled.count == 10_000 })
        #expect(publisher.receipts.delivered == 0)
        #expect(try await publisher.publish([Record("t", "late")]) == ["the MQTT publisher is stopped"])
    }

    @Test("a host name that does not resolve is reported, and a stop does not wait for it")
    func unknownHost() async throws {
        let publisher = try await TestPublisher(MQTTSettings(host: "broker.invalid", clientID: "nowhere"))
        #expect(await eventually { publisher.status.current.status == .reconnecting })
        #expect(publisher.status.current.errorMessage?.contains("could not connect to broker.invalid:1883") == true)
        await publisher.publisher.stop()
    }

    @Test("two clients of one name are told that there are two")
    func takeover() async throws {
        try await withBroker { broker in
            let (first, status) = try await broker.subscriber("twin", ["t"], Collector())
            let (second, _) = try await broker.subscriber("twin", ["t"], Collector())
            #expect(
                await eventually { status.current.errorMessage?.contains("is there another client 'twin'?") == true })
            await first.stop()
            await second.stop()
        }
    }

    /// A broker that asks for the users of the folder, on a port that was free: somebody else may take it first.
    private func askingBroker(in folder: String) async throws -> (ChildProcess, port: Int) {
        for _ in 0..<5 {
            let port: Int = try await withBroker { $0.port }
            let configuration = """
                listener \(port) 127.0.0.1
                allow_anonymous false
                password_file \(folder)/users
                user \(NSUserName())

                """
            try configuration.write(toFile: "\(folder)/conf", atomically: true, encoding: .utf8)
            let child = try ChildProcess(
                ["/usr/sbin/mosquitto", "-c", "\(folder)/conf"], errorFile: "\(folder)/log")
            var hasEnded = false
            let isDecided = await eventually {
                hasEnded = child.hasEnded(waiting: false)
                return hasEnded
                    || (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8))?.contains("running") == true
            }
            if isDecided, !hasEnded { return (child, port) }
        }
        throw CocoaError(.fileReadUnknown)
    }

    @Test("a wrong password is an error that names itself; the right one connects")
    func password() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try run("mosquitto_passwd", "-b", "-c", "\(folder)/users", "alice", "right").code == 0)
        let (child, port) = try await askingBroker(in: folder)
        defer {
            child.kill()
            _ = child.hasEnded(waiting: true)
        }
        let wrong = try await TestPublisher(
            MQTTSettings(host: "127.0.0.1", port: port, user: "alice", password: Secret("wrong"), clientID: "wrong"))
        #expect(await eventually { wrong.status.current.status == .error })
        #expect(wrong.status.current.errorMessage?.contains("refused the connection") == true)
        #expect(wrong.status.current.errorMessage?.contains("wrong") == false)
        await wrong.publisher.stop()

        let right = try await TestPublisher(
            MQTTSettings(host: "127.0.0.1", port: port, user: "alice", password: Secret("right"), clientID: "right"))
        try await right.publish([Record("t", "x", qos: 2)])
        #expect(await eventually { right.receipts.delivered == 1 })
        await right.publisher.stop()
    }
}
