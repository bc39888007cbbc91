import AgentModel
import DevelopmentBrokers
import Foundation
import NIOCore
import Testing

@testable import MQTTTransport

/// Contract section 6.1: acknowledged means done.
@Suite struct AcknowledgementTests {
    @Test("what was not acknowledged is delivered again to the next subscriber, what was acknowledged is not")
    func redelivery() async throws {
        try await withBroker { broker in
            let publisher = try await TestPublisher(broker.settings("again"))
            let first = Collector(acknowledges: false)
            let (subscriber, _) = try await broker.subscriber("again", ["t"], first)
            try await publisher.publish((1...5).map { Record("t", "done\($0)") })
            #expect(await eventually { first.count == 5 })
            try await first.acknowledgeHeld()
            // Once the next message is here, nothing of the first five is on its way any more.
            try await publisher.publish((1...5).map { Record("t", "open\($0)") })
            #expect(await eventually { first.count == 10 })
            // The first of them stays open, so that those after it, whether read with it or later, stay so as well.
            try await first.acknowledgeHeld { $0 == "open2" || $0 == "open4" }
            await subscriber.stop(grace: .milliseconds(10))

            let second = Collector()
            let (next, _) = try await broker.subscriber("again", ["t"], second)
            #expect(await eventually { second.count == 5 })
            #expect(second.messages.map(\.text) == (1...5).map { "open\($0)" })
            await next.stop()

            let third = Collector()
            let (last, _) = try await broker.subscriber("again", ["t"], third)
            try await publisher.publish([Record("t", "end")])
            #expect(await eventually { third.messages.last?.text == "end" })
            #expect(third.messages.map(\.text) == ["end"], "nothing twice that was acknowledged and written")
            await last.stop()
            await publisher.publisher.stop()
        }
    }

    @Test("what the session kept is not read before the filters are known")
    func filtersFirst() async throws {
        try await withBroker { broker in
            let (earlier, _) = try await broker.subscriber("first", ["t"], Collector())
            await earlier.stop()
            let publisher = try await TestPublisher(broker.settings("first"))
            try await publisher.publish((1...5).map { Record("t", "\($0)") })
            #expect(await eventually { publisher.receipts.delivered == 5 })

            let collector = Collector()
            let settings = broker.settings("first")
            let status = ConnectionStatus(serviceName: "test", connectionType: "mqtt", endpoint: settings.endpoint)
            let route = try await collector.route
            let subscriber = try MQTTSubscriber(settings: settings, status: status, logger: quietLogger) { _ in route }
            try await publisher.publish([Record("t", "6")])
            #expect(await eventually { publisher.receipts.delivered == 6 })
            #expect(status.current.status == .connecting)
            try subscriber.subscribe(to: ["t"])
            #expect(await eventually { collector.count == 6 })
            #expect(collector.messages.map(\.text) == (1...6).map(String.init))
            await subscriber.stop()
            await publisher.publisher.stop()
        }
    }

    @Test("a stop waits for what is being handled, and acknowledges it")
    func stopWaits() async throws {
        try await withBroker { broker in
            let collector = Collector(acknowledges: false)
            let (subscriber, _) = try await broker.subscriber("stop", ["t"], collector)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "slow", "-q", "1")
            #expect(await eventually { collector.count == 1 })
            async let stopped: Void = subscriber.stop(grace: .seconds(10))
            try await collector.acknowledgeHeld()
            await stopped

            let next = Collector()
            let (second, _) = try await broker.subscriber("stop", ["t"], next)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "end", "-q", "1")
            #expect(await eventually { next.count == 1 })
            #expect(next.messages.map(\.text) == ["end"])
            await second.stop()
        }
    }

    @Test("a message held for too long costs the connection, not the message")
    func holdLimit() async throws {
        try await withBroker { broker in
            // The acknowledgement of the earlier delivery must not count for the later one.
            let collector = Collector(together: 2)
            let (subscriber, status) = try await broker.subscriber(
                "hold", ["t"], collector, keepAlive: 5, holdLimit: 2)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "stuck", "-q", "1")
            #expect(await eventually(within: 30) { collector.currentWhenAnswered.count == 2 })
            #expect(collector.messages.map(\.text) == ["stuck", "stuck"])
            #expect(collector.currentWhenAnswered == [false, true])
            #expect(collector.revocationCount >= 1, "whoever holds the first is told that it comes again")
            #expect(status.current.retryCount >= 1)
            await subscriber.stop()
            let (next, _) = try await broker.subscriber("hold", ["t"], collector)
            await next.stop()
            #expect(collector.count == 2)
        }
    }

    @Test("a QoS 0 message that is never acknowledged holds up nothing")
    func atMostOnce() async throws {
        try await withBroker { broker in
            let collector = Collector(acknowledges: false)
            let (subscriber, _) = try await broker.subscriber("zero", ["t"], collector)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "zero", "-q", "0")
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "one", "-q", "1")
            #expect(await eventually { collector.count == 2 })
            try await collector.acknowledgeHeld { $0 == "one" }
            await subscriber.stop(grace: .seconds(10))
            let next = Collector()
            let (second, _) = try await broker.subscriber("zero", ["t"], next)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "end", "-q", "1")
            #expect(await eventually { next.count == 1 })
            #expect(next.messages.map(\.text) == ["end"])
            await second.stop()
        }
    }

    @Test("a flood of QoS 0 stops at the bound while handlers lag, and goes on when they are done")
    func flood() async throws {
        try await withBroker { broker in
            let collector = Collector(acknowledges: false)
            let (subscriber, _) = try await broker.subscriber("flood", ["t"], collector)
            let publisher = try await TestPublisher(broker.settings("flood"))
            try await publisher.publish((0..<4_000).map { Record("t", "\($0)", qos: 0) })
            #expect(await eventually { publisher.receipts.delivered == 4_000 })
            #expect(await eventually { collector.count == IntakeBudget.messageLimit })
            var done = 0
            while done < 4_000 {
                let before = done
                try await collector.dropHeld()
                guard await eventually({ collector.count > before }) else { break }
                done = collector.count
            }
            #expect(await eventually { collector.count == 4_000 })
            #expect(collector.messages.compactMap { Int($0.text) } == Array(0..<4_000))
            await publisher.publisher.stop()
            await subscriber.stop()
        }
    }

    @Test("after a pause nothing more is read, and nothing is lost")
    func pause() async throws {
        try await withBroker { broker in
            let collector = Collector()
            let (subscriber, _) = try await broker.subscriber("pause", ["t"], collector)
            subscriber.pauseIntake()
            for number in 1...3 {
                try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "\(number)", "-q", "1")
            }
            await subscriber.stop()
            #expect(collector.count == 0)
            let next = Collector()
            let (second, _) = try await broker.subscriber("pause", ["t"], next)
            #expect(await eventually { next.count == 3 })
            await second.stop()
        }
    }
}

#if compiler(>=6.2)
    /// What only the death of a process can prove.
    @Suite struct ProcessDeathTests {
        @Test("a process killed while handlers run gets all of their messages again")
        func killedSubscriber() async throws {
            try await withBroker { broker in
                setenv("AGENTHOST_TEST_KILLED_SUBSCRIBER_PORT", "\(broker.port)", 1)
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    let port = try #require(
                        getenv("AGENTHOST_TEST_KILLED_SUBSCRIBER_PORT").flatMap { Int(String(cString: $0)) })
                    let settings = MQTTSettings(host: "127.0.0.1", port: port, clientID: "killed")
                    let status = ConnectionStatus(serviceName: "test", connectionType: "mqtt", endpoint: "")
                    let collector = Collector(acknowledges: false)
                    let route = try await collector.route
                    let subscriber = try MQTTSubscriber(settings: settings, status: status, logger: quietLogger) { _ in
                        route
                    }
                    try subscriber.subscribe(to: ["t"])
                    _ = await eventually { subscriber.isSubscribed }
                    let publisher = try await TestPublisher(settings)
                    try await publisher.publish((1...20).map { Record("t", "\($0)") })
                    guard await eventually({ collector.count == 20 && publisher.receipts.delivered == 20 }) else {
                        return
                    }
                    try await collector.acknowledgeHeld { $0 != "20" }
                    kill(getpid(), SIGKILL)
                }
                let collector = Collector()
                let (subscriber, _) = try await broker.subscriber("killed", ["t"], collector)
                #expect(await eventually { Set(collector.messages.map(\.text)).contains("20") })
                await subscriber.stop()
            }
        }

        @Test("the private broker dies with its host, by kill -9 as well")
        func killedHost() async throws {
            let result = await #expect(
                processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
            ) {
                let broker = try EmbeddedMosquitto(logger: quietLogger)
                let process = try #require(broker.brokerProcess)
                print("BROKER:\(process):")
                fflush(nil)
                kill(getpid(), SIGKILL)
            }
            let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
            let fields = output.split(separator: ":")
            let mark = try #require(fields.firstIndex { $0.hasSuffix("BROKER") })
            let process = try #require(pid_t(fields[mark + 1]))
            #expect(await eventually { kill(process, 0) == -1 && errno == ESRCH })
        }
    }
#endif
