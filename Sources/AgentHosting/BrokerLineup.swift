import AgentConfiguration
import AgentModel
import DevelopmentBrokers
import MQTTTransport

/// The brokers that a host talks to: configured, embedded for development, or none.
struct BrokerLineup: Sendable {
    var kafka: KafkaSettings?
    var mqtt: MQTTSettings?
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
        kafka = config.kafka(for: serviceName)
        kafka?.tls = tls.kafka
        mqtt = config.mqtt(for: serviceName)
        mqtt?.tls = tls.mqtt
        do throws(MQTTError) {
            try mqtt?.check()
        } catch {
            throw HostFailure(.agent, "MQTT: \(error)")
        }
    }

    func stopEmbedded() async {
        embeddedKafka?.stop()
        await embeddedMosquitto?.stop()
    }
}
