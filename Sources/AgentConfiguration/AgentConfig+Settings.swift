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
    /// The sorted topics the service may write (`PRODUCE_*`); empty when nothing is declared.
    package var produceTopics: [String] { list("produce_topics") }
    /// The directory the platform's secrets are mounted in.
    package var secretsPath: String { text("secrets_path") ?? PlatformSecretLoader.defaultSecretsPath }
    /// The folder for what outlives the process; nil when there is no home directory either. Of several that systemd
    /// names in `STATE_DIRECTORY`, separated by colons (systemd.exec(5)), the first.
    package var statePath: String? {
        guard let path = text("state_path") else { return nil }
        guard case .environment("STATE_DIRECTORY", _)? = origin(of: "state_path") else { return path }
        return path.split(separator: ":").first.map(String.init) ?? path
    }
    /// The issuer of the tokens that clients present.
    package var jwtIssuer: String? { text("jwt_issuer_uri") }

    /// The Kafka to connect to; nil when `KAFKA_BOOTSTRAP_SERVERS` is not set.
    package var kafka: KafkaSettings? {
        guard let bootstrapServers = text("kafka_bootstrap_servers") else { return nil }
        return KafkaSettings(
            bootstrapServers: bootstrapServers,
            securityProtocol: text("kafka_security_protocol") ?? "PLAINTEXT",
            saslMechanism: text("kafka_sasl_mechanism"),
            username: text("kafka_username"),
            password: secret("kafka_password"),
            schemaRegistryURL: text("kafka_schema_registry_url"),
            autoOffsetReset: kafkaAutoOffsetReset,
            messageMaxBytes: kafkaMessageMaxBytes,
            compression: kafkaCompression,
            commitInterval: kafkaCommitInterval,
            allowsAutoCreateTopics: kafkaAllowsAutoCreateTopics
        )
    }

    /// Where a new consumer group begins, `earliest` or `latest`; holds for the embedded broker too.
    package var kafkaAutoOffsetReset: String { text("kafka_auto_offset_reset") ?? "earliest" }

    /// Bytes of the largest record sent or fetched; holds for the embedded broker too, as do the next three.
    package var kafkaMessageMaxBytes: Int { integer("kafka_message_max_bytes") }
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    package var kafkaCompression: String { text("kafka_compression") ?? "none" }
    /// Between two commits of offsets.
    package var kafkaCommitInterval: Duration { duration("kafka_commit_interval") }
    /// Whether consuming a topic may create it; nil when not configured.
    package var kafkaAllowsAutoCreateTopics: Bool? {
        origin(of: "kafka_allow_auto_create_topics") == nil ? nil : boolean("kafka_allow_auto_create_topics")
    }

    /// The MQTT broker to connect to; nil when `MQTT_HOST` is not set.
    package var mqtt: MQTTSettings? {
        guard let host = text("mqtt_host") else { return nil }
        return MQTTSettings(
            host: host,
            port: integer("mqtt_port"),
            user: text("mqtt_user"),
            password: secret("mqtt_password"),
            wireProtocol: text("mqtt_protocol").flatMap(MQTTSettings.WireProtocol.init(rawValue:)) ?? .tcp,
            clientID: mqttClientID,
            sharedGroup: mqttSharedGroup
        )
    }

    /// The configured MQTT client id; holds for the embedded broker too.
    package var mqttClientID: String? { text("mqtt_client_id") }
    /// The group that shares MQTT subscriptions; holds for the embedded broker too.
    package var mqttSharedGroup: String? { text("mqtt_shared_group") }

    /// What speaks of a Kafka or an MQTT broker although none is named; nil: nothing does.
    package var brokerWithoutAddress: String? {
        let kafka = [
            "username", "password", "sasl_mechanism", "security_protocol", "ssl_ca", "ssl_cert", "ssl_key",
            "schema_registry_url",
        ]
        let mqtt = ["port", "user", "password", "protocol", "ca", "cert", "key"]
        let settings =
            (self.kafka == nil ? kafka.map { "kafka_\($0)" } : []) + (self.mqtt == nil ? mqtt.map { "mqtt_\($0)" } : [])
        let given = settings.first { origin(of: $0).map { $0 != .default } ?? false }
        return given.flatMap(Setting.named).map {
            "\($0.variable) is set without \($0.secretKind == .kafka ? "KAFKA_BOOTSTRAP_SERVERS" : "MQTT_HOST")"
        }
    }

    /// The database; nil when neither `DB_HOST` nor `DB_CONNECTION_STRING` is set.
    package var database: DatabaseSettings? {
        let given = secret("db_connection_string")
        let host = text("db_host")
        guard given != nil || host != nil else { return nil }
        return DatabaseSettings(
            host: host,
            port: integer("db_port"),
            name: text("db_name"),
            user: text("db_user"),
            password: secret("db_password"),
            sslMode: text("db_ssl_mode") ?? "prefer",
            givenConnectionString: given
        )
    }

    /// Metabase; nil when `METABASE_URL` is not set.
    package var metabase: MetabaseSettings? {
        guard let url = text("metabase_url") else { return nil }
        return MetabaseSettings(
            url: url,
            user: text("metabase_user"),
            password: secret("metabase_password"),
            apiKey: secret("metabase_api_key"),
            databaseID: text("metabase_database_id")
        )
    }

    /// Lenses; nil when `LENSES_URL` is not set.
    package var lenses: LensesSettings? {
        guard let url = text("lenses_url") else { return nil }
        return LensesSettings(
            url: url,
            user: text("lenses_user"),
            password: secret("lenses_password"),
            apiKey: secret("lenses_api_key"),
            webSocketURL: text("lenses_ws_url")
        )
    }

    /// Redis; nil when `REDIS_HOST` is not set.
    package var redis: RedisSettings? {
        guard let host = text("redis_host") else { return nil }
        return RedisSettings(host: host, port: integer("redis_port"))
    }

    /// The key for Anthropic's API.
    package var anthropicAPIKey: Secret? { secret("anthropic_api_key") }
    /// The key for OpenAI's API.
    package var openAIAPIKey: Secret? { secret("openai_api_key") }
}
