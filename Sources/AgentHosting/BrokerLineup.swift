import AgentConfiguration
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

    /// Chooses, and starts what is embedded. Nothing is embedded when a platform is configured: its brokers are meant.
    static func assemble(_ config: AgentConfig, serviceName: String, embeds: Bool, logger: Logger) throws
        -> BrokerLineup
    {
        var lineup = BrokerLineup()
        let mayEmbed = embeds && config.realtimePlatform == nil
        if let kafka = config.kafka {
            lineup.kafka = KafkaTransport.KafkaSettings(kafka, config, serviceName: serviceName)
        } else if mayEmbed {
            do throws(KafkaError) {
                let embedded = try EmbeddedKafka()
                lineup.embeddedKafka = embedded
                lineup.kafka = KafkaTransport.KafkaSettings(
                    bootstrapServers: embedded.bootstrapServers, clientID: serviceName,
                    groupID: config.streamingConsumerGroup ?? "\(serviceName)-group",
                    autoOffsetReset: config.kafkaAutoOffsetReset, isEmbedded: true)
            } catch {
                throw HostFailure(.resource, "the embedded Kafka cannot start: \(error)")
            }
        }
        if let mqtt = config.mqtt {
            lineup.mqtt = try MQTTTransport.MQTTSettings(mqtt, serviceName: serviceName)
        } else if mayEmbed, EmbeddedMosquitto.isInstalled {
            do throws(MQTTError) {
                let embedded = try EmbeddedMosquitto(logger: logger)
                lineup.embeddedMosquitto = embedded
                lineup.mqtt = try MQTTTransport.MQTTSettings(
                    host: "127.0.0.1", port: embedded.port, clientID: config.mqttClientID ?? serviceName)
            } catch {
                throw HostFailure(.resource, "the embedded mosquitto cannot start: \(error)")
            }
        }
        return lineup
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
                transport: mqtt.wireProtocol.rawValue, clientID: mqtt.clientID ?? serviceName)
        } catch {
            throw HostFailure(.agent, "MQTT: \(error)")
        }
    }
}
