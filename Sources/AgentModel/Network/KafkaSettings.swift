/// How to reach a Kafka cluster, and as whom.
package struct KafkaSettings: Sendable {
    /// `host:port`, several separated by commas.
    package var bootstrapServers: String
    package var clientID: String
    package var groupID: String
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    package var securityProtocol: String
    /// nil: `PLAIN` when there is a user name.
    package var saslMechanism: String?
    package var username: String?
    package var password: Secret?
    /// Whom to trust and what to show where the protocol is `SSL` or `SASL_SSL`; nil: the operating system's authorities.
    package var tls: TLSFiles?
    /// Where a group without a committed offset begins: `earliest` or `latest`.
    package var autoOffsetReset: String
    /// The cluster is one for development, in memory: waits are shortened to what suits loopback.
    package var isEmbedded: Bool
    /// Messages of one partition from the oldest unacknowledged one to the newest, at most: what may be delivered again
    /// after a crash. A handler that sends is acknowledged a broker's round trip later, so the window bounds the
    /// throughput: 4 partitions with 1,024 each carried 180,000 messages a second where 4,096 carried 300,000 (both
    /// against the mock cluster).
    package var windowMessages: Int
    /// Which messages a consumer gets.
    package var assignment = Assignment.group
    /// Bytes of the largest record that is sent or fetched. The broker has a limit of its own.
    package var messageMaxBytes = 1_048_576
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    package var compression = "none"
    /// Between two commits of offsets, to the millisecond.
    package var commitInterval = Duration.seconds(1)
    /// Whether consuming a topic that is not there may create it; nil: on the embedded cluster only.
    package var allowsAutoCreateTopics: Bool?
    /// Names a member that keeps its partitions while it is away for less than the session time-out (KIP-345); of each
    /// worker, by its number. nil: a new member each time.
    package var groupInstanceID: String?
    /// How the partitions are shared out: what the members agree on, in the order of preference.
    package var assignor = "roundrobin,range"
    /// After which silence a member is taken for dead; nil: 10 s, and 3 s on the embedded cluster.
    package var sessionTimeout: Duration?
    /// librdkafka properties, applied last.
    package var overrides: [String: String]

    package enum Assignment: Sendable {
        /// Its share of the group's.
        case group
        /// All, from its start on, whoever else gets them; the group's name and offsets are not used.
        case every
    }

    package init(
        bootstrapServers: String, clientID: String, groupID: String, securityProtocol: String = "PLAINTEXT",
        saslMechanism: String? = nil, username: String? = nil, password: Secret? = nil,
        autoOffsetReset: String = "earliest", isEmbedded: Bool = false, windowMessages: Int = 4096,
        overrides: [String: String] = [:]
    ) {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
        self.groupID = groupID
        self.securityProtocol = securityProtocol
        self.saslMechanism = saslMechanism
        self.username = username
        self.password = password
        self.autoOffsetReset = autoOffsetReset
        self.isEmbedded = isEmbedded
        self.windowMessages = windowMessages
        self.overrides = overrides
    }

    package var isCooperative: Bool { assignor == "cooperative-sticky" }

    /// For one of the workers of a host, each of which is a member of the group.
    package func forWorker(_ index: Int) -> Self {
        var settings = self
        settings.groupInstanceID = groupInstanceID.map { "\($0)-\(index)" }
        return settings
    }

    /// For a consumer that gets every message of its topics from its start on, whatever other hosts get.
    package func forEveryMessage() -> Self {
        var settings = self
        settings.assignment = .every
        settings.groupInstanceID = nil
        return settings
    }
}

extension KafkaSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Everything but the secrets, which are shown as `****`.
    package var description: String {
        let shown = printable.map { "\($0.name): \($0.value)" }
        return "KafkaSettings(\(shown.joined(separator: ", ")))"
    }

    package var debugDescription: String { description }

    /// What `dump` and a failed test's output see.
    package var customMirror: Mirror {
        Mirror(self, children: printable.map { (label: $0.name, value: $0.value) })
    }

    private var printable: [(name: String, value: String)] {
        [
            ("bootstrapServers", bootstrapServers), ("clientID", clientID), ("groupID", groupID),
            ("securityProtocol", securityProtocol), ("saslMechanism", saslMechanism ?? "none"),
            ("username", username ?? "none"), ("password", password?.description ?? "none"),
            ("autoOffsetReset", autoOffsetReset), ("isEmbedded", String(isEmbedded)),
            ("messageMaxBytes", String(messageMaxBytes)), ("compression", compression),
        ]
            + overrides.sorted { $0.key < $1.key }.map {
                ($0.key, Self.isSecret(property: $0.key) ? Secret.mask : $0.value)
            }
    }

    /// True for the librdkafka properties whose value must not be shown.
    package static func isSecret(property: String) -> Bool {
        property.contains("password") || property.contains("secret") || property.contains("jaas")
            || property == "ssl.key.pem" || property.hasPrefix("sasl.oauthbearer")
    }
}
