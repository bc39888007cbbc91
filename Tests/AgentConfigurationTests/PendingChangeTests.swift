import AgentConfiguration
import Testing

/// Settings that a host reads once, when it starts.
@Suite struct PendingChangeTests {
    private func changes(
        from old: [String: SettingValue], to new: [String: SettingValue],
        environment: [String: String] = [:]
    ) throws -> [String] {
        let started = try AgentConfig(.init(environment: environment, script: old, agentName: "a"))
        let now = try AgentConfig(.init(environment: environment, script: new, agentName: "a"))
        return now.pendingChanges(since: started).map(\.description)
    }

    @Test("a changed port, host or broker is told with its old and new value")
    func values() throws {
        #expect(
            try changes(from: ["port": .integer(8080)], to: ["port": .integer(9090)]) == [
                "config.port is 9090 now, which takes a restart of the host; until then it is 8080"
            ])
        #expect(
            try changes(from: [:], to: ["kafka_bootstrap_servers": .string("b:9092"), "host": .string("0.0.0.0")]) == [
                "config.host is 0.0.0.0 now, which takes a restart of the host; until then it is 127.0.0.1",
                "config.kafka_bootstrap_servers is b:9092 now, which takes a restart of the host; until then it is not set",
            ])
    }

    @Test("a secret is told without its values")
    func secret() throws {
        let told = try changes(
            from: ["kafka_username": .string("u"), "kafka_password": .string("sesame-1")],
            to: ["kafka_username": .string("u"), "kafka_password": .string("sesame-2")])
        #expect(
            told == [
                "config.kafka_password has changed, which takes a restart of the host; until then it is what it was"
            ])
    }

    @Test("what a reload takes over, and what another layer decides, is no change")
    func none() throws {
        #expect(
            try changes(
                from: [:],
                to: ["task_timeout": .integer(9), "mqtt_topics": .list(["a/#"]), "streaming_topics": .list(["b"])])
                == [])
        #expect(try changes(from: [:], to: ["port": .integer(9)], environment: ["PORT": "8081"]) == [])
    }
}
