/// How to reach Kafka. The texts are spelled as librdkafka's configuration spells them.
package struct KafkaSettings: Sendable, Equatable {
    /// `bootstrap.servers`: comma-separated `host:port`.
    package let bootstrapServers: String
    /// `security.protocol`: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    package let securityProtocol: String
    /// `sasl.mechanism`; set whenever the protocol is `SASL_*`.
    package let saslMechanism: String?
    /// `sasl.username`.
    package let username: String?
    /// `sasl.password`.
    package let password: Secret?
    /// The schema registry's URL.
    package let schemaRegistryURL: String?
    /// `auto.offset.reset`: `earliest` or `latest`.
    package let autoOffsetReset: String
    /// Bytes: `message.max.bytes`.
    package let messageMaxBytes: Int
    /// `compression.codec`.
    package let compression: String
    /// `auto.commit.interval.ms`, in seconds.
    package let commitInterval: Duration
    /// `allow.auto.create.topics`; nil when not configured.
    package let allowsAutoCreateTopics: Bool?
}
