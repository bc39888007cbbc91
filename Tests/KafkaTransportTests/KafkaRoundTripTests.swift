import AgentModel
import DevelopmentBrokers
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import KafkaTransport

@Suite struct KafkaRoundTripTests {
    @Test("keys, headers, binary values, empty values and tombstones arrive as they were sent")
    func everything() async throws {
        let topic = unique("everything")
        let binary = (0...255).map { UInt8($0) }
        let headers = [
            MessageHeader(name: "trace", value: Array("abc".utf8)), MessageHeader(name: "trace", value: binary),
            MessageHeader(name: "empty", value: []), MessageHeader(name: "none", value: nil),
        ]
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.onLoop { probe in
            probe.send(
                Record(
                    topic: topic, key: ByteBuffer(bytes: binary), value: ByteBuffer(bytes: binary), headers: headers,
                    partition: 0))
            probe.send(Record(topic: topic, key: ByteBuffer(string: "gone"), value: nil, partition: 0))
            probe.send(Record(topic: topic, value: ByteBuffer(), partition: 0))
            probe.send(Record(topic: topic, key: ByteBuffer(), value: nil, headers: headers, partition: 0))
        }
        try await producer.flush()
        let consumer = try await ConsumerProbe.start(try SharedKafka.settings(), topics: [topic])
        try await consumer.wait(for: "four records") { $0.messages.count == 4 }
        let messages = try await consumer.onLoop(\.messages)
        #expect(messages.map(\.offset) == [0, 1, 2, 3])
        #expect(messages.map(\.key) == [binary, Array("gone".utf8), nil, []])
        #expect(messages.map(\.value) == [binary, nil, [], nil])
        #expect(messages.map(\.headers) == [headers, [], [], headers])
        #expect(messages.allSatisfy { $0.topic == topic && $0.partition == 0 })
        #expect(messages.allSatisfy { abs($0.timestamp - Timestamp.now()) < 60_000 })
        #expect(consumer.status.current.status == .connected)
        #expect(consumer.status.current.lastActivity != nil)
        #expect(producer.status.current.status == .connected)
        try await consumer.stop()
        try await producer.stop()
        #expect(consumer.status.current.status == .disconnected)
    }

    @Test("records of one key keep their order, and a key always goes to one partition")
    func order() async throws {
        let topic = unique("order")
        let producer = try await ProducerProbe.start(try SharedKafka.settings())
        try await producer.onLoop { probe in
            for number in 0..<2000 {
                probe.send(
                    Record(
                        topic: topic, key: ByteBuffer(string: "key \(number % 8)"),
                        value: ByteBuffer(string: "\(number)")))
            }
        }
        try await producer.flush()
        let consumer = try await ConsumerProbe.start(
            try SharedKafka.settings(), topics: [topic], acknowledging: .later)
        try await consumer.wait(for: "2,000 records") { $0.messages.count == 2000 }
        let messages = try await consumer.onLoop(\.messages)
        let byKey = Dictionary(grouping: messages) { String(decoding: $0.key ?? [], as: UTF8.self) }
        #expect(byKey.count == 8)
        for (key, messages) in byKey {
            #expect(Set(messages.map(\.partition)).count == 1, "\(key)")
            let numbers = messages.compactMap { Int($0.text) }
            #expect(numbers.count == 250)
            #expect(numbers == numbers.sorted())
        }
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("kcat reads what the producer wrote, and its records reach the consumer")
    func foreignClient() async throws {
        let topic = unique("foreign")
        let settings = try SharedKafka.settings()
        let producer = try await ProducerProbe.start(settings)
        try await producer.onLoop { probe in
            _ = probe.send(
                Record(
                    topic: topic, key: ByteBuffer(string: "k"), value: ByteBuffer(string: "from here"),
                    headers: [MessageHeader(name: "h", value: Array("1".utf8))], partition: 2))
        }
        try await producer.flush()
        let read = try await kcat(
            [
                "-b", settings.bootstrapServers, "-C", "-t", topic, "-p", "2", "-o", "beginning", "-e", "-q", "-f",
                "%k|%s|%h",
            ])
        #expect(read == "k|from here|h=1")

        _ = try await kcat(
            ["-b", settings.bootstrapServers, "-P", "-t", topic, "-p", "1", "-K", ":", "-H", "origin=kcat"],
            input: "there:from kcat\n")
        let consumer = try await ConsumerProbe.start(settings, topics: [topic])
        try await consumer.wait(for: "both records") { $0.messages.count == 2 }
        let foreign = try await consumer.onLoop { $0.messages.first { $0.partition == 1 } }
        #expect(foreign?.text == "from kcat")
        #expect(foreign?.key == Array("there".utf8))
        #expect(foreign?.headers == [MessageHeader(name: "origin", value: Array("kcat".utf8))])
        try await consumer.stop()
        try await producer.stop()
    }

    @Test("what the mock cluster accepts is without Nagle's algorithm")
    func noDelay() async throws {
        let kafka = try EmbeddedKafka()
        let port = try #require(kafka.ports.first)
        let producer = try await ProducerProbe.start(embeddedSettings(kafka))
        try await producer.produce(["x"], topic: "t")
        let before = SocketOptions.noDelay(ofConnectionsTo: port)
        #expect(!before.isEmpty && before.allSatisfy { $0 })

        kafka.takeDown()
        kafka.setBroker(isUp: true)
        try await producer.produce(["y"], topic: "t")
        let after = SocketOptions.noDelay(ofConnectionsTo: port)
        #expect(!after.isEmpty && after.allSatisfy { $0 })
        try await producer.stop()
    }

    private func kcat(_ arguments: [String], input: String = "") async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["timeout", "20", "kcat"] + arguments
            let standardInput = Pipe()
            let standardOutput = Pipe()
            process.standardInput = standardInput
            process.standardOutput = standardOutput
            process.terminationHandler = { _ in
                let data = standardOutput.fileHandleForReading.readDataToEndOfFile()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
            do {
                try spawning.withLock { _ in try process.run() }
                standardInput.fileHandleForWriting.write(Data(input.utf8))
                try standardInput.fileHandleForWriting.close()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
