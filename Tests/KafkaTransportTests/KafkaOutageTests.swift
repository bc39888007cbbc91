import AgentModel
import DevelopmentBrokers
import NIOCore
import Testing

@testable import KafkaTransport

@Suite struct KafkaOutageTests {
    @Test("a broker that goes away and comes back loses nothing, and the status tells")
    func outage() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"], acknowledging: .later)
        try await producer.produce(["before"], topic: "t", partition: 0)
        try await consumer.wait(for: "the record before") { $0.messages.count == 1 }
        #expect(consumer.status.current.status == .connected)
        #expect(producer.status.current.status == .connected)

        kafka.takeDown()
        try await consumer.wait(for: "both to notice") {
            $0.status.current.status == .reconnecting && producer.status.current.status == .reconnecting
        }
        #expect(consumer.status.current.errorMessage?.isEmpty == false)
        #expect(consumer.status.current.retryCount >= 1)
        let refusal = try await producer.onLoop { probe in
            probe.send(Record(topic: "t", value: ByteBuffer(string: "meanwhile"), partition: 0))?.description
        }
        #expect(refusal == nil)

        kafka.setBroker(isUp: true)
        try await consumer.wait(for: "the record sent meanwhile") { $0.messages.contains { $0.text == "meanwhile" } }
        try await consumer.wait(for: "both to be connected") {
            $0.status.current.status == .connected && producer.status.current.status == .connected
        }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("a consumer that librdkafka has given up stays in the status, whatever a client of the same connection tells")
    func fatal() async throws {
        let kafka = try EmbeddedKafka()
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"], acknowledging: .later)
        try await consumer.wait(for: "the connection") { $0.status.current.status == .connected }
        try await consumer.onLoop {
            $0.consumer.monitor.ended("fenced")
            $0.consumer.monitor.up()
            $0.status.connected()
            $0.status.reconnecting("away")
        }
        #expect(consumer.status.current.status == .error)
        #expect(consumer.status.current.errorMessage == "fenced")
        try await consumer.stop()
    }

    @Test("clients start without a broker, and work once it is there")
    func lateBroker() async throws {
        let kafka = try EmbeddedKafka()
        kafka.takeDown()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"])
        try await producer.onLoop { probe in
            probe.producer.warm(topics: ["t", "not a topic"])
            #expect(probe.send(Record(topic: "t", value: ByteBuffer(string: "early"))) == nil)
        }
        try await consumer.wait(for: "the reason") { $0.status.current.status == .reconnecting }
        kafka.setBroker(isUp: true)
        try await consumer.wait(for: "the record") { $0.messages.map(\.text) == ["early"] }
        #expect(consumer.status.current.status == .connected)
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("clients stop within their time while the broker is away")
    func stopWithoutBroker() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"])
        try await producer.produce(["x"], topic: "t")
        try await consumer.wait(for: "the record") { $0.messages.count == 1 }
        kafka.takeDown()
        let started = NIODeadline.now()
        try await consumer.stop()
        try await producer.stop()
        #expect(NIODeadline.now() - started < .seconds(11))
        #expect(consumer.status.current.status == .disconnected)
    }

    @Test("errors of joining, fetching and committing delay a record and lose none")
    func brokerErrors() async throws {
        let kafka = try EmbeddedKafka()
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        // COORDINATOR_NOT_AVAILABLE, NOT_LEADER_FOR_PARTITION, COORDINATOR_LOAD_IN_PROGRESS.
        kafka.fail(.joinGroup, with: [15])
        kafka.fail(.fetch, with: [6, 6])
        kafka.fail(.offsetCommit, with: [14])
        let consumer = try await ConsumerProbe.start(embeddedSettings(kafka), topics: ["t"])
        try await producer.produce((0..<100).map(String.init), topic: "t", partition: 0)
        try await consumer.wait(for: "every record") { $0.messages.count >= 100 }
        let offsets = try await consumer.onLoop { $0.messages.map(\.offset) }
        #expect(offsets == Array(0..<100))
        try await consumer.stop()
        try await producer.stop()
    }
}
