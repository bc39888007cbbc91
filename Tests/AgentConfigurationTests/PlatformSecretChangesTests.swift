import AgentModel
import Foundation
import Logging
import Testing

@testable import AgentConfiguration

@Suite("Changes of platform secrets", .timeLimit(.minutes(1)))
struct PlatformSecretChangesTests {
    private let folder: TemporaryFolder
    private let loader: PlatformSecretLoader
    private let log = LogRecorder()
    private let polling = PlatformSecretLoader.Polling(
        directories: .milliseconds(5), kubernetes: .milliseconds(20), settling: .milliseconds(2))

    init() throws {
        folder = try TemporaryFolder()
        loader = try PlatformSecretLoader(
            platform: "demo", secretsPath: folder.path, environment: [:], serviceAccountPath: folder.path + "/none",
            logger: log.logger)
        try folder.mount("demo-kafka-secret", version: "1", ["KAFKA_BOOTSTRAP_SERVERS": "a:1"])
        try folder.mount("demo-mqtt-secret", version: "1", ["MQTT_HOST": "a"])
    }

    @Test("a swapped ..data link is a change, of that secret only")
    func rotation() async throws {
        let first = await loader.load()
        var changes = loader.changes(after: first, polling: polling).makeAsyncIterator()
        try folder.mount("demo-kafka-secret", version: "2", ["KAFKA_BOOTSTRAP_SERVERS": "b:2"])
        let second = try #require(await changes.next())
        #expect(second[.kafka]?.values["KAFKA_BOOTSTRAP_SERVERS"]?.exposed == "b:2")
        #expect(second.changedKinds(since: first) == [.kafka])
        try folder.mount("demo-mqtt-secret", version: "2", ["MQTT_HOST": "b"])
        let third = try #require(await changes.next())
        #expect(third.changedKinds(since: second) == [.mqtt])
    }

    @Test("a secret that appears is a change")
    func appearance() async throws {
        let first = await loader.load()
        #expect(first[.lenses]?.isFound == false)
        var changes = loader.changes(after: first, polling: polling).makeAsyncIterator()
        try folder.write("http://l", to: "demo-lenses-secret/LENSES_URL")
        let second = try #require(await changes.next())
        #expect(second[.lenses]?.isFound == true)
    }

    @Test("a secret that breaks or goes keeps its last values")
    func brokenRotation() async throws {
        let first = await loader.load()
        var changes = loader.changes(after: first, polling: polling).makeAsyncIterator()
        try folder.mount("demo-kafka-secret", version: "2", ["KAFKA_BOOTSTRAP_SERVERS": "\n"])
        try folder.remove("demo-mqtt-secret")
        try folder.write("http://m", to: "demo-metabase-secret/METABASE_URL")
        let second = try #require(await changes.next())
        #expect(second.changedKinds(since: first) == [.metabase])
        #expect(second[.kafka]?.values["KAFKA_BOOTSTRAP_SERVERS"]?.exposed == "a:1")
        #expect(second[.mqtt]?.isFound == true)
        #expect(log.lines.filter { $0.contains("demo-kafka-secret/KAFKA_BOOTSTRAP_SERVERS is empty") }.count == 1)
        #expect(log.lines.filter { $0.contains("demo-mqtt-secret does not exist") }.count == 1)
        #expect(!log.lines.joined().contains("a:1"))
        try folder.mount("demo-mqtt-secret", version: "3", ["MQTT_HOST": "c"])
        let third = try #require(await changes.next())
        #expect(third.changedKinds(since: second) == [.mqtt])
    }

    @Test("cancelling the task ends the sequence")
    func cancellation() async throws {
        let first = await loader.load()
        let changes = loader.changes(after: first, polling: polling)
        let count = await withTaskGroup(of: Int.self) { group in
            group.addTask {
                var count = 0
                for await _ in changes { count += 1 }
                return count
            }
            group.cancelAll()
            return await group.next()
        }
        #expect(count == 0)
    }
}
