import AgentModel
import Testing

@testable import KafkaTransport

@Suite struct KafkaSettingsTests {
    private let secret = "s3cr3t-of-the-broker"

    private func settings(overrides: [String: String] = [:]) -> KafkaSettings {
        KafkaSettings(
            bootstrapServers: "broker:9093", clientID: "c", groupID: "g", securityProtocol: "SASL_SSL",
            saslMechanism: "SCRAM-SHA-256", username: "ann", password: Secret(secret), overrides: overrides)
    }

    @Test("no way of printing the settings shows the password")
    func hidden() {
        let settings = settings(overrides: ["ssl.key.password": secret, "sasl.oauthbearer.client.secret": secret])
        var dumped = ""
        dump(settings, to: &dumped)
        for text in [
            settings.description, settings.debugDescription, "\(settings)", String(reflecting: settings), dumped,
        ] {
            #expect(!text.contains(secret))
            #expect(text.contains("ann"))
        }
    }

    @Test(
        "credentials and the security protocol reach librdkafka", arguments: [KafkaSettings.Role.consumer, .producer])
    func credentials(role: KafkaSettings.Role) throws {
        let properties = Dictionary(settings().properties(for: role), uniquingKeysWith: { $1 })
        #expect(properties["security.protocol"] == "sasl_ssl")
        #expect(properties["sasl.mechanism"] == "SCRAM-SHA-256")
        #expect(properties["sasl.username"] == "ann")
        #expect(properties["sasl.password"] == secret)
        #expect(throws: Never.self) { try settings().checkProperties(for: role) }
    }

    @Test("certificates and keys reach librdkafka by path, over TLS alone, and nothing turns its checks off")
    func certificates() throws {
        var settings = settings()
        settings.tls = TLSFiles(
            authority: PEMFile(path: "/ca.pem"), certificate: PEMFile(path: "/cert.pem"),
            key: PEMFile(path: "/key.pem"),
            keyPassword: secret)
        let properties = Dictionary(settings.properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(properties["ssl.ca.location"] == "/ca.pem" && properties["ssl.certificate.location"] == "/cert.pem")
        #expect(properties["ssl.key.location"] == "/key.pem" && properties["ssl.key.password"] == secret)
        for name in ["enable.ssl.certificate.verification", "ssl.endpoint.identification.algorithm"] {
            #expect(properties[name] == nil)
        }
        #expect(!"\(settings)".contains(secret))
        settings.securityProtocol = "SASL_PLAINTEXT"
        #expect(!settings.properties(for: .producer).contains { $0.name.hasPrefix("ssl.") })
    }

    @Test("a user without a mechanism logs in with PLAIN")
    func plain() {
        let settings = KafkaSettings(
            bootstrapServers: "b", clientID: "c", groupID: "g", securityProtocol: "SASL_PLAINTEXT", username: "u",
            password: Secret("p"))
        let properties = Dictionary(settings.properties(for: .producer), uniquingKeysWith: { $1 })
        #expect(properties["sasl.mechanism"] == "PLAIN")
    }

    @Test("the group's settings reach librdkafka, which takes them; each worker is a member, and who gets all is none")
    func membership() throws {
        var settings = settings()
        settings.groupInstanceID = "pod-3"
        settings.assignor = "cooperative-sticky"
        settings.sessionTimeout = .seconds(600)
        #expect(throws: Never.self) { try settings.checkProperties(for: .consumer) }
        let second = Dictionary(settings.forWorker(1).properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(second["group.instance.id"] == "pod-3-1")
        #expect(second["partition.assignment.strategy"] == "cooperative-sticky")
        #expect(second["session.timeout.ms"] == "600000" && second["max.poll.interval.ms"] == "600000")
        let every = Dictionary(settings.forEveryMessage().properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(every["group.instance.id"] == nil)
        settings.sessionTimeout = nil
        let usual = Dictionary(settings.properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(usual["session.timeout.ms"] == "10000" && usual["heartbeat.interval.ms"] == "1000")
        #expect(usual["socket.timeout.ms"] == "30000", "a frozen broker is noticed within a minute")
    }

    @Test("sizes, compression, commits and the making of topics reach librdkafka, which takes them")
    func limits() throws {
        var settings = settings()
        settings.messageMaxBytes = 300_000_000
        settings.compression = "zstd"
        settings.commitInterval = .milliseconds(250)
        for role in [KafkaSettings.Role.consumer, .producer] {
            #expect(throws: Never.self) { try settings.checkProperties(for: role) }
        }
        let producer = Dictionary(settings.properties(for: .producer), uniquingKeysWith: { $1 })
        #expect(producer["message.max.bytes"] == "300000000" && producer["compression.codec"] == "zstd")
        var consumer = Dictionary(settings.properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(consumer["message.max.bytes"] == "300000000" && consumer["fetch.message.max.bytes"] == "300000000")
        #expect(consumer["auto.commit.interval.ms"] == "250" && consumer["allow.auto.create.topics"] == "false")
        settings.allowsAutoCreateTopics = true
        consumer = Dictionary(settings.properties(for: .consumer), uniquingKeysWith: { $1 })
        #expect(consumer["allow.auto.create.topics"] == "true")
    }

    @Test("a property that librdkafka does not know is named")
    func unknownProperty() {
        let error = #expect(throws: KafkaError.self) {
            try settings(overrides: ["no.such.property": "1"]).checkProperties(for: .consumer)
        }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("no.such.property") == true)
    }

    @Test("the password is not in the error for another property")
    func refusedProtocol() {
        var settings = settings()
        settings.securityProtocol = "CARRIER_PIGEON"
        let error = #expect(throws: KafkaError.self) { try settings.checkProperties(for: .consumer) }
        #expect(error?.description.contains("security.protocol") == true)
        #expect(error?.description.contains(secret) == false)
    }
}
