import AgentModel
import DevelopmentBrokers
import NIOCore
import Testing

@testable import KafkaTransport

@Suite struct KafkaProducerTests {
    @Test("a topic name that Kafka does not allow and a value over the limit are refused at once")
    func refusals() async throws {
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        let refusals = try await producer.onLoop { probe in
            [
                probe.send(Record(topic: "not a topic", value: ByteBuffer(string: "x"))),
                probe.send(Record(topic: "", value: ByteBuffer(string: "x"))),
                probe.send(Record(topic: "large", value: ByteBuffer(repeating: 0, count: 2_000_000))),
            ].map { $0?.description ?? "" }
        }
        #expect(refusals[0].contains("not a topic"))
        #expect(!refusals[1].isEmpty)
        #expect(refusals[2].contains("large"))
        try await producer.flush()
        let settled = try await producer.onLoop { $0.settled.count + $0.failed.count }
        #expect(settled == 0)
        try await producer.stop()
        let stopped = try await producer.onLoop { $0.send(Record(topic: "t", value: nil))?.description }
        #expect(stopped?.contains("stopped") == true)
    }

    @Test("a flush waits for the records before it and not for those after")
    func flush() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        try await producer.flush()
        try await producer.produce(["first"], topic: "t")
        kafka.takeDown()
        let before = try await producer.onLoop { probe in
            let before = probe.producer.flush()
            probe.send(Record(topic: "t", value: ByteBuffer(string: "waits")))
            return before
        }
        try await before.get()
        let settled = try await producer.onLoop(\.settled)
        #expect(settled == ["first"])
        kafka.setBroker(isUp: true)
        try await producer.flush()
        let all = try await producer.onLoop(\.settled)
        #expect(all == ["first", "waits"])
        try await producer.stop()
    }

    @Test("a refusal of the broker reaches the receipt; an error that may pass is tried again")
    func brokerErrors() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        try await producer.produce(["warm"], topic: "t", partition: 0)
        // NOT_ENOUGH_REPLICAS, twice.
        kafka.fail(.produce, with: [19, 19])
        try await producer.produce(["retried"], topic: "t", partition: 0)
        // TOPIC_AUTHORIZATION_FAILED.
        kafka.fail(.produce, with: [29])
        try await producer.produce(["refused"], topic: "t", partition: 0)
        let (settled, failed) = try await producer.onLoop { ($0.settled, $0.failed) }
        #expect(settled == ["warm", "retried"])
        #expect(failed.count == 1)
        #expect(failed.first?.contains("may not write to it") == true)
        #expect(failed.first?.contains("refused") == false)
        // librdkafka refuses the topic itself until its next look at the metadata.
        try await producer.wait(for: "the topic to be taken again") { probe in
            probe.send(Record(topic: "t", value: ByteBuffer(string: "after"), partition: 0)) == nil
        }
        try await producer.flush()
        let last = try await producer.onLoop { $0.settled.last }
        #expect(last == "after")
        try await producer.stop()
    }

    @Test("when the client fails for good a new one sends what is unsettled, in order")
    func replacement() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        try await producer.produce(["0"], topic: "t", partition: 0)
        kafka.setRoundTrip(50)
        try await producer.onLoop { probe in
            for number in 1...500 {
                probe.send(Record(topic: "t", value: ByteBuffer(string: "\(number)"), partition: 0))
                if number == 250 { probe.producer.injectFatalError() }
            }
        }
        try await producer.flush()
        let (settled, failed) = try await producer.onLoop { ($0.settled, $0.failed) }
        #expect(failed.isEmpty)
        #expect(settled == (0...500).map(String.init))

        kafka.setRoundTrip(0)
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"])
        try await consumer.wait(for: "every record") { Set($0.messages.map(\.text)).count == 501 }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a queue that is full refuses, and says what its limits are")
    func fullQueue() async throws {
        let kafka = try EmbeddedKafka()
        kafka.takeDown()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        let (taken, refusal) = try await producer.onLoop { probe -> (Int, String) in
            let value = ByteBuffer(repeating: 7, count: 900_000)
            for count in 0..<200 {
                if let failure = probe.send(Record(topic: "t", value: value)) {
                    return (count, failure.description)
                }
            }
            return (200, "")
        }
        #expect((70...80).contains(taken))
        #expect(refusal.contains("queue is full"))
        try await producer.stop()
        let failed = try await producer.onLoop { $0.failed.count }
        #expect(failed == taken)
    }
}
