import AgentModel
import DevelopmentBrokers
import NIOCore
import Testing

@testable import KafkaTransport

@Suite struct KafkaConsumerTests {
    @Test("what was not acknowledged, and what came after it, is delivered to the next consumer of the group")
    func redelivery() async throws {
        let topic = unique("redelivery")
        let group = unique("group")
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce((0..<10).map(String.init), topic: topic, partition: 0)

        let first = try await ConsumerProbe.start(
            try SharedKafka.settings(group: group), topics: [topic], acknowledging: .never)
        try await first.wait(for: "ten records") { $0.messages.count == 10 }
        try await first.onLoop { probe in
            probe.acknowledge { $0.offset < 5 || $0.offset == 6 }
        }
        try await first.stop()
        let late = try await first.onLoop { probe in
            let late = probe.unacknowledged.map(\.isCurrent)
            probe.acknowledge()
            return late
        }
        #expect(late == [false, false, false, false])

        let second = try await ConsumerProbe.start(try SharedKafka.settings(group: group), topics: [topic])
        try await second.wait(for: "the rest") { $0.messages.count >= 5 }
        let offsets = try await second.onLoop { $0.messages.map(\.offset) }
        #expect(offsets == [5, 6, 7, 8, 9])
        try await second.stop()
        try await producer.stop()
    }

    @Test("a full window stops the delivery, and nothing is skipped or repeated when it goes on")
    func window() async throws {
        let topic = unique("window")
        try SharedKafka.cluster.get().createTopic(topic, partitions: 1)
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce((0..<5000).map(String.init), topic: topic)

        var settings = try SharedKafka.settings()
        settings.windowMessages = 1024
        let consumer = try await ConsumerProbe.start(settings, topics: [topic], acknowledging: .never)
        try await consumer.wait(for: "a paused partition") { $0.consumer.partitions.first?.isPaused == true }
        let delivered = try await consumer.onLoop { $0.messages.count }
        #expect(delivered == 1024)
        let lag = try await consumer.onLoop { $0.consumer.lag() }
        #expect(lag.map(\.messages) == [5000])
        #expect(lag.map(\.unacknowledged) == [1024])

        // A second time: half is acknowledged, which resumes; then the window fills again.
        try await consumer.onLoop { $0.acknowledge { $0.offset < 600 } }
        try await consumer.wait(for: "the window to fill again") {
            $0.messages.count == 600 + 1024 && $0.consumer.partitions.first?.isPaused == true
        }
        try await consumer.onLoop { $0.acknowledgeFromNowOn() }
        try await consumer.wait(for: "the rest") { $0.messages.count >= 5000 }
        let offsets = try await consumer.onLoop { $0.messages.map(\.offset) }
        #expect(offsets == Array(0..<5000))
        try await consumer.wait(for: "no lag") { $0.consumer.lag().first?.messages == 0 }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a partition whose window is full does not hold up another one")
    func otherPartitions() async throws {
        let topic = unique("others")
        try SharedKafka.cluster.get().createTopic(topic, partitions: 2)
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce((0..<2000).map(String.init), topic: topic, partition: 0)
        var settings = try SharedKafka.settings()
        settings.windowMessages = 1024
        let consumer = try await ConsumerProbe.start(settings, topics: [topic], acknowledging: .never)
        try await consumer.wait(for: "a paused partition") { $0.consumer.partitions.contains(where: \.isPaused) }
        try await producer.produce(["through"], topic: topic, partition: 1)
        try await consumer.wait(for: "the other partition's record") { $0.messages.contains { $0.partition == 1 } }
        let blocked = try await consumer.onLoop { $0.messages.filter { $0.partition == 0 }.count }
        #expect(blocked == 1024)
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a topic made after the subscription is consumed from its first record within 5 seconds")
    func laterTopic() async throws {
        let early = unique("early")
        let late = unique("late")
        let kafka = try SharedKafka.cluster.get()
        kafka.createTopic(early, partitions: 1)
        // The client must not make the topic itself.
        let consumer = try await ConsumerProbe.start(
            try SharedKafka.settings(overrides: ["allow.auto.create.topics": "false"]), topics: [early, late])
        try await consumer.wait(for: "the first assignment") { !$0.consumer.assignment.isEmpty }
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        let started = NIODeadline.now()
        try await producer.produce(["first", "second"], topic: late, partition: 3)
        try await consumer.wait(for: "the new topic's records") { $0.messages.count == 2 }
        // A busy machine takes its time; a close that waits for an assignment would not end.
        #expect(NIODeadline.now() - started < .seconds(20))
        let texts = try await consumer.onLoop { $0.messages.map(\.text) }
        #expect(texts == ["first", "second"])
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a changed subscription keeps what is unsettled, adds the new topic and drops the old one")
    func resubscription() async throws {
        let (one, two) = (unique("one"), unique("two"))
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["a"], topic: one)
        try await producer.produce(["b"], topic: two)
        let consumer = try await ConsumerProbe.start(try SharedKafka.settings(), topics: [one])
        try await consumer.wait(for: "the first topic") { $0.messages.map(\.text) == ["a"] }
        try await consumer.onLoop { $0.consumer.subscribe(to: [two]) }
        try await consumer.wait(for: "the second topic") { $0.messages.map(\.text) == ["a", "b"] }
        let topics = try await consumer.onLoop { Set($0.consumer.assignment.map(\.topic)) }
        #expect(topics == [two])

        try await consumer.onLoop { $0.consumer.subscribe(to: []) }
        try await consumer.wait(for: "an empty assignment") { $0.consumer.assignment.isEmpty }
        try await producer.produce(["c"], topic: two)
        try await consumer.onLoop { $0.consumer.subscribe(to: [one, two]) }
        try await consumer.wait(for: "the record sent meanwhile") { $0.messages.map(\.text) == ["a", "b", "c"] }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("after the intake is paused nothing is delivered, and what was is still committed")
    func drain() async throws {
        let topic = unique("drain")
        let group = unique("group")
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["0", "1"], topic: topic, partition: 0)
        let first = try await ConsumerProbe.start(
            try SharedKafka.settings(group: group), topics: [topic], acknowledging: .never)
        try await first.wait(for: "two records") { $0.messages.count == 2 }
        try await first.onLoop { $0.consumer.pauseIntake() }
        try await producer.produce(["2"], topic: topic, partition: 0)
        let areCurrent = try await first.onLoop { probe in
            defer { probe.acknowledge() }
            return probe.unacknowledged.allSatisfy(\.isCurrent)
        }
        #expect(areCurrent)
        try await first.stop()
        let delivered = try await first.onLoop { $0.messages.count }
        #expect(delivered == 2)

        let second = try await ConsumerProbe.start(try SharedKafka.settings(group: group), topics: [topic])
        try await second.wait(for: "the record after the drain") { !$0.messages.isEmpty }
        let texts = try await second.onLoop { $0.messages.map(\.text) }
        #expect(texts == ["2"])
        try await second.stop()
        try await producer.stop()
    }

    @Test("a consumer that is stopped before its first assignment closes")
    func earlyStop() async throws {
        let consumer = try await ConsumerProbe.start(try SharedKafka.settings(), topics: [unique("early-stop")])
        let started = NIODeadline.now()
        try await consumer.stop()
        try await consumer.stop()
        // A busy machine takes its time; a close that waits for an assignment would not end.
        #expect(NIODeadline.now() - started < .seconds(20))
        #expect(consumer.status.current.status == .disconnected)
    }
}
