import AgentConfiguration
import DevelopmentBrokers
import KafkaTransport
import Logging
import MQTTTransport

/// The brokers that a host talks to: configured, embedded for development, or none.
struct BrokerLineup: Sendable {
    var kafka: KafkaTransport.KafkaSettings?
    var mqtt: MQTTTransport.MQTTSettings?
    /// What runs inside this process or belongs to it.
    var embeddedKafka: EmbeddedKafka?
    var embeddedMosquitto: EmbeddedMosquitto?

    init() {}

    /// What is configured.
    ///
    /// - Throws: `HostFailure` for a setting that the transport does not take, `ConfigurationError` for certificates and
    ///   keys that cannot serve.
    init(configured config: AgentConfig, serviceName: String) throws {
        let tls = try config.tls()
        kafka = config.kafka.map { KafkaTransport.KafkaSettings($0, config, serviceName: serviceName) }
        kafka?.tls = tls.kafka
        mqtt = try config.mqtt.map { try MQTTTransport.MQTTSettings($0, serviceName: serviceName) }
        mqtt?.tls = tls.mqtt
    }

    func stopEmbedded() async {
        embeddedKafka?.stop()
        await embeddedMosquitto?.stop()
    }
}

extension KafkaTransport.KafkaSettings {
    init(_ kafka: AgentConfiguration.KafkaSettings, _ config: AgentConfig, serviceName: String) {
        self.init(
            bootstrapServers: kafka.bootstrapServers, clientID: serviceName,
            groupID: config.streamingConsumerGroup ?? "\(serviceName)-group", securityProtocol: kafka.securityProtocol,
            saslMechanism: kafka.saslMechanism, username: kafka.username, password: kafka.password?.exposed,
            autoOffsetReset: kafka.autoOffsetReset)
        take(config)
    }

    /// What holds for every Kafka, the embedded one too.
    mutating func take(_ config: AgentConfig) {
        let interval = config.kafkaCommitInterval.components
        messageMaxBytes = config.kafkaMessageMaxBytes
        compression = config.kafkaCompression
        commitInterval = max(1, Int(interval.seconds) * 1000 + Int(interval.attoseconds / 1_000_000_000_000_000))
        allowsAutoCreateTopics = config.kafkaAllowsAutoCreateTopics
    }
}

extension KafkaTransport.KafkaSettings {
    /// For a consumer that gets every message of its topics from its start on, whatever other hosts get.
    func forEveryMessage() -> Self {
        var settings = self
        settings.assignment = .every
        return settings
    }
}

extension MQTTTransport.MQTTSettings {
    init(_ mqtt: AgentConfiguration.MQTTSettings, serviceName: String) throws(HostFailure) {
        do throws(MQTTError) {
            try self.init(
                host: mqtt.host, port: mqtt.port, user: mqtt.user, password: mqtt.password?.exposed,
                transport: mqtt.wireProtocol.rawValue,
                clientID: Self.clientID(mqtt.clientID, mqtt.sharedGroup, serviceName))
        } catch {
            throw HostFailure(.agent, "MQTT: \(error)")
        }
        share(mqtt.sharedGroup, hasName: mqtt.clientID != nil)
    }

    init(embeddedAt port: Int, _ config: AgentConfig, serviceName: String) throws(MQTTError) {
        try self.init(
            host: "127.0.0.1", port: port,
            clientID: Self.clientID(config.mqttClientID, config.mqttSharedGroup, serviceName))
        share(config.mqttSharedGroup, hasName: config.mqttClientID != nil)
    }

    /// The members of a group need a name each: without a configured one it is this process's own.
    private static func clientID(_ configured: String?, _ group: String?, _ serviceName: String) -> String {
        configured ?? (group == nil ? serviceName : "\(serviceName)-\(uniqueSuffix())")
    }

    /// A session under a name that no later process has would collect messages that nobody comes for.
    private mutating func share(_ group: String?, hasName: Bool) {
        sharedGroup = group
        keepsSession = group == nil || hasName
    }
}
