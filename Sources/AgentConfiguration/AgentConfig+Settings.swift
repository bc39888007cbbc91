package import AgentModel
import Glibc

// The settings by their types. Every accessor reads the table's field of the same name.
extension AgentConfig {
    /// The service's name: `SERVICE_NAME`, else what the script declares.
    package var serviceName: String? { text("service_name") }
    /// The configured type of the agent, any name.
    package var agentType: String? { text("agent_type") }
    /// `deterministic`, `anthropic` or `openai`; nil when not configured.
    package var implementationType: String? { text("implementation_type") }

    /// The address the HTTP server listens on.
    package var host: String { text("host") ?? "127.0.0.1" }
    /// The port of the HTTP server, 0 for any free one.
    package var port: Int { integer("port") }
    /// Whether a line is logged for each HTTP request.
    package var logsAccess: Bool { boolean("access_log") }
    /// How long handlers in flight may finish when the host stops.
    package var grace: Duration { duration("grace") }
    /// Origins of web pages that may connect, as browsers send them; `*` for all.
    package var allowedOrigins: [String] { list("allowed_origins") }
    /// Whether pages of those origins may send cookies; never with `*`.
    package var allowsCredentials: Bool { boolean("allow_credentials") }
    /// Names that requests may ask for, lower case; `*.domain` for every name below one, `*` for all.
    package var allowedHosts: [String] { list("allowed_hosts") }
    /// Connections open at one time; nil: what the limit of file descriptors leaves room for.
    package var maxConnections: Int? {
        value("max_connections").flatMap { if case .integer(let number) = $0 { Int(number) } else { nil } }
    }
    /// Bytes of the largest HTTP body and WebSocket message.
    package var maxMessageBytes: Int { integer("max_message_bytes") }

    /// Tasks that run at one time.
    package var maxConcurrentTasks: Int { integer("max_concurrent_tasks") }
    /// Tasks that may wait.
    package var maxQueuedTasks: Int { integer("max_queued_tasks") }
    /// Functions of an agent that may be under way in a worker.
    package var maxInvocations: Int { integer("max_invocations") }
    /// Timers that an agent may have set in a worker.
    package var maxTimers: Int { integer("max_timers") }
    /// HTTP requests of an agent that may be under way in a worker.
    package var maxPendingRequests: Int { integer("max_pending_requests") }
    /// After how long a task is given up.
    package var taskTimeout: Duration { duration("task_timeout") }

    /// The realtime platform whose secrets configure the transports.
    package var realtimePlatform: String? { text("realtime_platform") }
    /// The role of the service on its platform.
    package var realtimeRole: String? { text("realtime_role") }
    /// Whether WebSocket endpoints are open; true unless `WEBSOCKET_ENABLED` says otherwise.
    package var websocketEnabled: Bool { boolean("websocket_enabled") }
    /// Kafka topics to subscribe to besides those of handlers: `STREAMING_TOPICS`, else the sorted `CONSUME_*`.
    package var streamingTopics: [String] { list("streaming_topics") }
    /// The Kafka consumer group, `<service>-group` by default; nil without a service name.
    package var streamingConsumerGroup: String? { text("streaming_consumer_group") }
    /// MQTT topic filters to subscribe to besides those of handlers.
    package var mqttTopics: [String] { list("mqtt_topics") }
    /// The directory the platform's secrets are mounted in.
    package var secretsPath: String { text("secrets_path") ?? PlatformSecretLoader.defaultSecretsPath }
    /// The folder for what outlives the process; nil when there is no home directory either. Of several that systemd
    /// names in `STATE_DIRECTORY`, separated by colons (systemd.exec(5)), the first.
    package var statePath: String? {
        guard let path = text("state_path") else { return nil }
        guard case .environment("STATE_DIRECTORY", _)? = origin(of: "state_path") else { return path }
        return path.split(separator: ":").first.map(String.init) ?? path
    }

    /// Whether a Kafka is named, by `KAFKA_BOOTSTRAP_SERVERS`.
    package var hasKafka: Bool { text("kafka_bootstrap_servers") != nil }

    /// The Kafka to connect to, but for its certificates (``tls()``); nil when none is named.
    /// - Parameter serviceName: what the host is called there, and its group when none is configured.
    package func kafka(for serviceName: String) -> KafkaSettings? {
        guard let bootstrapServers = text("kafka_bootstrap_servers") else { return nil }
        var settings = kafka(at: bootstrapServers, for: serviceName)
        settings.securityProtocol = text("kafka_security_protocol") ?? "PLAINTEXT"
        settings.saslMechanism = text("kafka_sasl_mechanism")
        settings.username = text("kafka_username")
        settings.password = secret("kafka_password")
        return settings
    }

    /// The same for a Kafka in memory, which takes no credentials.
    /// - Parameter bootstrapServers: where it listens.
    package func kafka(embeddedAt bootstrapServers: String, for serviceName: String) -> KafkaSettings {
        var settings = kafka(at: bootstrapServers, for: serviceName)
        settings.isEmbedded = true
        return settings
    }

    /// What this machine, or pod, is called.
    static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "agenthost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// What holds for every Kafka, the embedded one too.
    private func kafka(at bootstrapServers: String, for serviceName: String) -> KafkaSettings {
        var settings = KafkaSettings(
            bootstrapServers: bootstrapServers, clientID: serviceName,
            groupID: streamingConsumerGroup ?? "\(serviceName)-group",
            autoOffsetReset: text("kafka_auto_offset_reset") ?? "earliest")
        settings.messageMaxBytes = integer("kafka_message_max_bytes")
        settings.compression = text("kafka_compression") ?? "none"
        settings.commitInterval = duration("kafka_commit_interval")
        settings.groupInstanceID = text("kafka_group_instance_id").map { $0 == "auto" ? Self.hostName : $0 }
        settings.assignor = text("kafka_assignor") ?? settings.assignor
        if origin(of: "kafka_session_timeout") != nil { settings.sessionTimeout = duration("kafka_session_timeout") }
        if origin(of: "kafka_allow_auto_create_topics") != nil {
            settings.allowsAutoCreateTopics = boolean("kafka_allow_auto_create_topics")
        }
        return settings
    }

    /// Whether an MQTT broker is named, by `MQTT_HOST`.
    package var hasMQTT: Bool { text("mqtt_host") != nil }

    /// The MQTT broker to connect to, but for its certificates (``tls()``); nil when none is named.
    /// - Parameter serviceName: what the host is called there when no client id is configured.
    package func mqtt(for serviceName: String) -> MQTTSettings? {
        guard let host = text("mqtt_host") else { return nil }
        var settings = mqtt(at: host, port: integer("mqtt_port"), for: serviceName)
        settings.user = text("mqtt_user")
        settings.password = secret("mqtt_password")
        settings.wireProtocol = text("mqtt_protocol").flatMap(MQTTSettings.WireProtocol.init(rawValue:)) ?? .tcp
        return settings
    }

    /// The same for a broker of this host's own.
    /// - Parameter port: where it listens on the loopback.
    package func mqtt(embeddedAt port: Int, for serviceName: String) -> MQTTSettings {
        mqtt(at: "127.0.0.1", port: port, for: serviceName)
    }

    /// What holds for every MQTT broker, the embedded one too.
    private func mqtt(at host: String, port: Int, for serviceName: String) -> MQTTSettings {
        let (group, name) = (text("mqtt_shared_group"), text("mqtt_client_id"))
        // The members of a group need a name each: without a configured one it is this process's own.
        let ownName = group == nil ? serviceName : "\(serviceName)-\(MQTTSettings.uniqueSuffix())"
        var settings = MQTTSettings(host: host, port: port, clientID: name ?? ownName)
        settings.sharedGroup = group
        // A session under a name that no later process has would collect messages that nobody comes for.
        settings.keepsSession = group == nil || name != nil
        return settings
    }

    /// What speaks of a Kafka or an MQTT broker although none is named; nil: nothing does.
    package var brokerWithoutAddress: String? {
        let kafka = [
            "username", "password", "sasl_mechanism", "security_protocol", "ssl_ca", "ssl_cert", "ssl_key",
            "schema_registry_url",
        ]
        let mqtt = ["port", "user", "password", "protocol", "ca", "cert", "key"]
        let settings =
            (hasKafka ? [] : kafka.map { "kafka_\($0)" }) + (hasMQTT ? [] : mqtt.map { "mqtt_\($0)" })
        let given = settings.first { origin(of: $0).map { $0 != .default } ?? false }
        return given.flatMap(Setting.named).map {
            "\($0.variable) is set without \($0.secretKind == .kafka ? "KAFKA_BOOTSTRAP_SERVERS" : "MQTT_HOST")"
        }
    }
}
