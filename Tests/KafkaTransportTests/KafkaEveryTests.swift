import AgentModel
import NIOCore
import Testing

@testable import KafkaTransport

@Suite struct KafkaEveryTests {
    private func settings() throws -> KafkaSettings {
        var settings = try SharedKafka.settings()
        settings.assignment = .every
        return settings
    }

    @Test("two consumers without a group both get every message from their start on, and nothing from before")
    func every() async throws {
        let topic = unique("every")
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.produce(["before"], topic: topic, partition: 0)
        let first = try await ConsumerProbe.start(try settings(), topics: [topic], acknowledging: .later)
        let second = try await ConsumerProbe.start(try settings(), topics: [topic], acknowledging: .later)
        for probe in [first, second] {
            try await probe.wait(for: "all partitions") { $0.consumer.assignment.count == 4 }
        }
        // A partition's end is looked up when its fetching begins: what is sent until then is not promised.
        var next = 0
        for probe in [first, second] {
            try await eventuallyAsync("the fetching to begin in every partition") {
                for partition in 0..<4 {
                    try await producer.produce(["probe \(next)"], topic: topic, partition: Int32(partition))
                }
                next += 1
                return try await probe.onLoop { Set($0.messages.map(\.partition)).count } == 4
            }
        }
        for partition in 0..<4 {
            try await producer.produce(
                (0..<250).map { "\(partition) \($0)" }, topic: topic, partition: Int32(partition))
        }
        for probe in [first, second] {
            try await probe.wait(for: "every message") { probe in
                probe.messages.filter { !$0.text.hasPrefix("probe") }.count >= 1000
            }
            let texts = try await probe.onLoop { $0.messages.map(\.text).filter { !$0.hasPrefix("probe") } }
            #expect(texts.count == 1000)
            #expect(Set(texts).count == 1000)
            for partition in 0..<4 {
                #expect(texts.filter { $0.hasPrefix("\(partition) ") } == (0..<250).map { "\(partition) \($0)" })
            }
            try await probe.stop()
        }
        try await producer.stop()
    }

    @Test("topics change while it runs: one that leaves sends nothing more, one that comes is read")
    func change() async throws {
        let (kept, left, added) = (unique("kept"), unique("left"), unique("added"))
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        let probe = try await ConsumerProbe.start(try settings(), topics: [kept, left])
        try await probe.wait(for: "both topics") { Set($0.consumer.assignment.map(\.topic)) == [kept, left] }
        try await probe.onLoop { $0.consumer.subscribe(to: [kept, added]) }
        try await probe.wait(for: "the new topics") { Set($0.consumer.assignment.map(\.topic)) == [kept, added] }
        try await eventuallyAsync("messages of both topics that are there") {
            for topic in [kept, left, added] { try await producer.produce(["x"], topic: topic, partition: 0) }
            return try await Set(probe.onLoop { $0.messages.map(\.topic) }).isSuperset(of: [kept, added])
        }
        let topics = try await Set(probe.onLoop { $0.messages.map(\.topic) })
        #expect(topics == [kept, added])
        try await probe.stop()
        try await producer.stop()
    }
}
