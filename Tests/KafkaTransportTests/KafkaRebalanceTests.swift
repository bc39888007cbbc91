import AgentModel
import NIOCore
import Testing

@testable import KafkaTransport

@Suite struct KafkaRebalanceTests {
    /// The mock cluster takes no commit once another member has joined, so what settled in the last moments may come
    /// twice; see `KafkaSettings.properties`.
    @Test(
        "a second consumer joins under load and takes its share, and nothing is lost",
        arguments: ["roundrobin,range", "cooperative-sticky"])
    func join(assignor: String) async throws {
        let topic = unique("join")
        var settings = try SharedKafka.settings(group: unique("group"))
        settings.assignor = assignor
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        let first = try await ConsumerProbe.start(
            settings, topics: [topic], acknowledging: .later)
        for partition in 0..<4 {
            try await producer.produce(
                (0..<250).map { "\(partition) \($0)" }, topic: topic, partition: Int32(partition))
        }
        try await first.wait(for: "the first thousand to be committed") { probe in
            probe.consumer.partitions.map(\.committed) == [250, 250, 250, 250]
        }

        let second = try await ConsumerProbe.start(
            settings, topics: [topic], acknowledging: .later)
        var next = 250
        try await eventuallyAsync("the partitions to be shared") {
            for partition in 0..<4 {
                try await producer.produce(
                    (next..<next + 10).map { "\(partition) \($0)" }, topic: topic, partition: Int32(partition))
            }
            next += 10
            let shares = try await (
                first.onLoop { $0.consumer.assignment.count }, second.onLoop { $0.consumer.assignment.count }
            )
            return shares == (2, 2)
        }
        let sent = next * 4
        var all: [Received] = []
        try await eventuallyAsync("every record") {
            all = try await first.onLoop(\.messages) + second.onLoop(\.messages)
            return Set(all.map(\.text)).count == sent
        }
        let bySecond = try await second.onLoop { $0.messages.count }
        #expect(bySecond > 0)
        let counts = all.reduce(into: [:]) { counts, message in counts[message.text, default: 0] += 1 }
        for partition in 0..<4 {
            for number in 0..<250 { #expect(counts["\(partition) \(number)"] == 1) }
        }
        try await first.stop()
        try await second.stop()
        try await producer.stop()
    }

    @Test("under the cooperative protocol another subscription leaves alone what stays, handlers in flight too")
    func cooperativeSubscription() async throws {
        let (topic, other) = (unique("stays"), unique("comes"))
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["x"], topic: topic, partition: 0)
        var settings = try SharedKafka.settings()
        settings.assignor = "cooperative-sticky"
        let consumer = try await ConsumerProbe.start(settings, topics: [topic], acknowledging: .never)
        try await consumer.wait(for: "the record") { $0.messages.count == 1 }
        try await consumer.onLoop { $0.consumer.subscribe(to: [topic, other]) }
        try await consumer.wait(for: "the other topic's partitions") { $0.consumer.assignment.count == 8 }
        try await consumer.onLoop { probe in
            #expect(probe.unacknowledged.first?.isCurrent == true)
            probe.acknowledge()
        }
        try await consumer.wait(for: "its commit") { probe in
            probe.consumer.partitions.contains { $0.topic == topic && $0.committed == 1 }
        }
        try await consumer.onLoop { $0.consumer.subscribe(to: [other]) }
        try await consumer.wait(for: "the first topic to be given up") { $0.consumer.assignment.count == 4 }
        try await producer.produce(["y"], topic: other, partition: 0)
        try await consumer.wait(for: "a record of the other") { $0.messages.map(\.text) == ["x", "y"] }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a handler in flight settles during the revocation, and its message is not delivered again")
    func settledWhileRevoking() async throws {
        let (topic, other) = (unique("revoking"), unique("other"))
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["x", "y"], topic: topic, partition: 0)
        let consumer = try await ConsumerProbe.start(
            try SharedKafka.settings(), topics: [topic], acknowledging: .never)
        try await consumer.wait(for: "the records") { $0.messages.count == 2 }
        try await consumer.onLoop { $0.consumer.subscribe(to: [topic, other]) }
        try await consumer.wait(for: "the revocation to begin") { $0.unacknowledged.first?.isCurrent == false }
        let revocations = try await consumer.onLoop { probe in
            let before = probe.consumer.revocation?.isWaiting == true
            probe.acknowledge { $0.offset == 0 }
            let between = probe.consumer.revocation?.isWaiting == true
            probe.acknowledge()
            return [before, between, probe.consumer.revocation?.isWaiting == true]
        }
        #expect(revocations == [true, true, false])
        try await consumer.wait(for: "a new assignment") { $0.consumer.assignment.count == 8 }
        try await producer.produce(["z"], topic: topic, partition: 0)
        try await consumer.wait(for: "the next record") { $0.messages.contains { $0.text == "z" } }
        let texts = try await consumer.onLoop { $0.messages.map(\.text) }
        #expect(texts == ["x", "y", "z"])
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a message that nobody holds any more does not keep a revocation waiting, and comes again")
    func letGo() async throws {
        let (topic, other) = (unique("let-go"), unique("other"))
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["x", "y"], topic: topic, partition: 0)
        let consumer = try await ConsumerProbe.start(
            try SharedKafka.settings(), topics: [topic], acknowledging: .never)
        try await consumer.wait(for: "the records") { $0.messages.count == 2 }
        try await consumer.onLoop { probe in
            probe.letGo { $0.offset == 0 }
            probe.consumer.subscribe(to: [topic, other])
        }
        try await consumer.wait(for: "the revocation to begin") { $0.consumer.revocation?.isWaiting == true }
        let isOver = try await consumer.onLoop { probe in
            probe.letGo()
            return probe.consumer.revocation?.isWaiting != true
        }
        #expect(isOver)
        let revocations = try await consumer.onLoop(\.revocations)
        #expect(revocations > 0, "whoever holds messages is told")
        try await consumer.wait(for: "both again") { $0.messages.map(\.text) == ["x", "y", "x", "y"] }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a handler that outlives the revocation's deadline loses its message to the next owner")
    func outlivedDeadline() async throws {
        let topic = unique("outlived")
        let group = unique("group")
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["x"], topic: topic, partition: 0)
        // A session as on a real broker, so that the deadline comes before its end.
        let overrides = ["session.timeout.ms": "6000"]
        let first = try await ConsumerProbe.start(
            try SharedKafka.settings(group: group, overrides: overrides), topics: [topic], acknowledging: .never)
        try await first.wait(for: "the record") { $0.messages.count == 1 }
        let second = try await ConsumerProbe.start(
            try SharedKafka.settings(group: group, overrides: overrides), topics: [topic], acknowledging: .never)
        try await eventuallyAsync("the record a second time", seconds: 30) {
            try await (first.onLoop(\.messages) + second.onLoop(\.messages)).count == 2
        }
        // Too late: the object belongs to an assignment that is over.
        try await first.onLoop { $0.acknowledge { !$0.isCurrent } }
        let committed = try await first.onLoop { $0.consumer.partitions.allSatisfy { $0.watermark.position == nil } }
        #expect(committed)
        try await first.stop()
        try await second.stop()
        try await producer.stop()
    }
}

/// Looks every few milliseconds whether the condition holds.
func eventuallyAsync(_ what: String, seconds: Int64 = 20, _ condition: () async throws -> Bool) async throws {
    let deadline = NIODeadline.now() + .seconds(seconds)
    while try await !condition() {
        guard NIODeadline.now() < deadline else { throw TimedOut(description: "waited \(seconds) s for \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
