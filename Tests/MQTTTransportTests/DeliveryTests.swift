import AgentModel
import DevelopmentBrokers
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import MQTTTransport

@Suite struct DeliveryTests {
    @Test("text, binary, empty and retained messages go round, with foreign clients on the other side")
    func roundTrip() async throws {
        try await withBroker { broker in
            let port = "\(broker.port)"
            try run("mosquitto_pub", "-p", port, "-t", "kept/1", "-m", "old", "-q", "1", "-r")
            let collector = Collector()
            let (subscriber, status) = try await broker.subscriber("round", ["in/+", "kept/#"], collector)
            #expect(await eventually { collector.count == 1 })
            #expect(
                collector.messages.first == .init(topic: "kept/1", payload: Array("old".utf8), qos: 1, retain: true))

            let binary = Data((0..<256).map { UInt8($0) } + [0, 0])
            try run("mosquitto_pub", "-p", port, "-t", "in/text", "-m", "grüße", "-q", "1")
            try run("mosquitto_pub", "-p", port, "-t", "in/binary", "-s", "-q", "0", input: binary)
            try run("mosquitto_pub", "-p", port, "-t", "in/empty", "-n", "-q", "2")
            try run("mosquitto_pub", "-p", port, "-t", "in/deep/er", "-m", "not for us")
            try run("mosquitto_pub", "-p", port, "-t", "in/last", "-m", "last", "-q", "1")
            #expect(await eventually { collector.count >= 5 })
            let byTopic = Dictionary(collector.messages.map { ($0.topic, $0) }, uniquingKeysWith: { first, _ in first })
            #expect(byTopic["in/text"]?.text == "grüße")
            #expect(byTopic["in/binary"]?.payload == Array(binary))
            #expect(byTopic["in/binary"]?.qos == 0)
            #expect(byTopic["in/empty"]?.payload == [])
            #expect(byTopic["in/empty"]?.qos == 1, "subscriptions are made at QoS 1")
            #expect(byTopic["in/deep/er"] == nil)
            #expect(collector.count == 5)
            #expect(status.current.status == .connected)
            #expect(status.current.lastActivity != nil)
            await subscriber.stop()
            #expect(status.current.status == .disconnected)
        }
    }

    @Test("what is published arrives at a foreign client at every QoS, and each receipt settles", arguments: 0...2)
    func publish(qos: Int) async throws {
        try await withBroker { broker in
            let publisher = try await TestPublisher(broker.settings("publish"))
            try await publisher.publish(
                (1...100).map { Record("out/\(qos)", "m\($0)", qos: qos, retain: true) })
            #expect(await eventually { publisher.receipts.delivered == 100 })
            #expect(publisher.publisher.unsettled == 0)
            let (_, output) = try run(
                "mosquitto_sub", "-p", "\(broker.port)", "-t", "out/#", "-C", "1", "-W", "5", "-F", "%t %p %r")
            #expect(output == "out/\(qos) m100 1\n")
            await publisher.publisher.stop()
        }
    }

    @Test("2,000 messages on four topics reach two loops in the order of each topic")
    func order() async throws {
        try await withBroker { broker in
            let loops = (0..<2).map { _ in MultiThreadedEventLoopGroup.singleton.next() }
            let collectors = loops.map { Collector(on: $0) }
            let routes = [try await collectors[0].route, try await collectors[1].route]
            let settings = broker.settings("order")
            let status = ConnectionStatus(serviceName: "test", connectionType: "mqtt", endpoint: settings.endpoint)
            let subscriber = try MQTTSubscriber(settings: settings, status: status, logger: quietLogger) { topic in
                routes[Int(topic.utf8.last ?? 0) % 2]
            }
            try subscriber.subscribe(to: ["order/#"])
            #expect(await eventually { subscriber.isSubscribed })
            let publisher = try await TestPublisher(settings)
            try await publisher.publish((0..<2_000).map { Record("order/\($0 % 4)", "\($0 / 4)") })
            #expect(await eventually { collectors[0].count + collectors[1].count == 2_000 })
            #expect(await eventually { publisher.receipts.delivered == 2_000 })
            let messages = collectors.flatMap(\.messages)
            for topic in 0..<4 {
                #expect(messages.filter { $0.topic == "order/\(topic)" }.compactMap { Int($0.text) } == Array(0..<500))
            }
            await publisher.publisher.stop()
            await subscriber.stop()
        }
    }

    @Test("overlapping filters deliver a message once, whether one covers the other or not")
    func overlap() async throws {
        try await withBroker { broker in
            let collector = Collector()
            let (subscriber, _) = try await broker.subscriber("overlap", ["a/#", "a/b", "a/+", "+/b"], collector)
            let publisher = try await TestPublisher(broker.settings("overlap"))
            try await publisher.publish([Record("a/b", "1"), Record("a/end", "2")])
            #expect(await eventually { collector.messages.last?.text == "2" })
            #expect(collector.messages.map(\.text) == ["1", "2"])
            await publisher.publisher.stop()
            await subscriber.stop()
        }
    }

    @Test("a filter that is given up is unsubscribed, a new one is subscribed to")
    func reload() async throws {
        try await withBroker { broker in
            let collector = Collector()
            let (subscriber, _) = try await broker.subscriber("reload", ["old", "both"], collector)
            try subscriber.subscribe(to: ["both", "new"])
            #expect(await eventually { subscriber.isSubscribed })
            for topic in ["old", "both", "new"] {
                try run("mosquitto_pub", "-p", "\(broker.port)", "-t", topic, "-m", topic, "-q", "1")
            }
            #expect(await eventually { collector.count >= 2 })
            #expect(collector.messages.map(\.topic) == ["both", "new"])
            #expect(throws: MQTTError.self) { try subscriber.subscribe(to: ["a/#/b"]) }
            await subscriber.stop()
        }
    }

    @Test("a subscription that an earlier process left in the session does not reach the agents")
    func stray() async throws {
        try await withBroker { broker in
            let (earlier, _) = try await broker.subscriber("stray", ["left/behind", "kept"], Collector())
            await earlier.stop()
            let collector = Collector()
            let (subscriber, _) = try await broker.subscriber("stray", ["kept"], collector)
            for topic in ["left/behind", "kept"] {
                try run("mosquitto_pub", "-p", "\(broker.port)", "-t", topic, "-m", topic, "-q", "1")
            }
            #expect(await eventually { collector.count == 1 })
            #expect(collector.messages.map(\.topic) == ["kept"])
            await subscriber.stop()
        }
    }

    @Test("a publication to a wildcard, to no topic, or of an unknown QoS is refused before anything")
    func refused() async throws {
        try await withBroker { broker in
            let publisher = try await TestPublisher(broker.settings("refused"))
            let failures = try await publisher.publish([
                Record("a/#", "x"), Record("a/+/b", "x"), Record("", "x"),
                Record("a", "x", qos: 3),
            ])
            #expect(failures.count == 4)
            #expect(failures.first == "the MQTT topic 'a/#' holds a wildcard: wildcards are for subscriptions only")
            #expect(publisher.publisher.unsettled == 0)
            #expect(publisher.receipts.settled.isEmpty)
            await publisher.publisher.stop()
        }
    }
}
