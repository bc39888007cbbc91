import AgentModel

extension Setting {
    /// Every setting there is, in the order `agenthost config` prints them.
    package static let all: [Setting] = service + tasks + streaming + kafka + mqtt + database + analytics + others

    private static let service: [Setting] = [
        Setting("SERVICE_NAME", "The service's name; without it, the name the script declares."),
        Setting("AGENT_TYPE", "The agent's type, any name; without it, the service name up to its first \"-\"."),
        Setting(
            "IMPLEMENTATION_TYPE", kind: .choice(["deterministic", "anthropic", "openai"]),
            "How the agent works out its results."),
        Setting("HOST", kind: .host, default: .string("127.0.0.1"), "The address the HTTP server listens on."),
        Setting("PORT", kind: .port, default: .integer(8080), "The port of the HTTP server; 0 picks a free one."),
        Setting(
            "LOG_LEVEL",
            kind: .choice(
                ["TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"],
                aliases: ["WARN": "WARNING", "FATAL": "CRITICAL"]),
            default: .string("INFO"), "The least severe level that is logged."),
        Setting(
            "ACCESS_LOG", kind: .boolean, default: .boolean(false), "Whether a line is logged for each HTTP request."),
        Setting(
            "GRACE", kind: .seconds(atMost: 86_400, orZero: true), default: .integer(10),
            "Seconds that a stop may take, of which handlers in flight have four fifths; who is cut off is answered 503."
        ),
        Setting(
            "STATE_PATH", or: "STATE_DIRECTORY",
            "The folder for what outlives the process; without it, ~/.local/state/agenthost."),
        Setting(
            "ALLOWED_ORIGINS", kind: .origins, default: .list([]),
            "Origins of web pages that may connect and write, besides the host's own; * for all."),
        Setting(
            "ALLOW_CREDENTIALS", kind: .boolean, default: .boolean(false),
            "Whether pages of ALLOWED_ORIGINS may send cookies."),
        Setting(
            "ALLOWED_HOSTS", kind: .hostNames, default: .list([]),
            "Names that requests may ask for, besides addresses and localhost; on loopback no other is answered."),
        Setting(
            "MAX_CONNECTIONS", kind: .integer(1...1_000_000),
            "Connections open at one time; without it, what the limit of file descriptors leaves room for."),
        Setting(
            "MAX_MESSAGE_BYTES", kind: .integer(1024...1_073_741_824), default: .integer(2_097_152),
            "The largest HTTP body and WebSocket message."),
    ]

    private static let tasks: [Setting] = [
        Setting(
            "MAX_CONCURRENT_TASKS", kind: .integer(1...100_000), default: .integer(10), "Tasks that run at one time."),
        Setting(
            "MAX_QUEUED_TASKS", kind: .integer(0...1_000_000), default: .integer(1024),
            "Tasks that may wait; further ones are refused with 503."),
        Setting(
            "MAX_INVOCATIONS", kind: .integer(100...1_000_000), default: .integer(10_000),
            "Functions of an agent that may be under way in a worker, waiting ones included; spawn and emit raise beyond."
        ),
        Setting(
            "MAX_TIMERS", kind: .integer(1...1_000_000), default: .integer(10_000),
            "Timers that an agent may have set in a worker; every and after raise beyond."),
        Setting(
            "MAX_PENDING_REQUESTS", kind: .integer(1...100_000), default: .integer(1000),
            "HTTP requests of an agent that may be under way in a worker; further ones fail."),
        Setting(
            "TASK_TIMEOUT", kind: .seconds(atMost: 604_800), default: .integer(300),
            "Seconds after which a task is given up with 504."),
    ]

    private static let streaming: [Setting] = [
        Setting(
            "REALTIME_PLATFORM", or: "REALTIME_PLATFORM_NAME", kind: .objectName,
            "The realtime platform whose secrets configure the transports."),
        Setting("REALTIME_ROLE", "The role of the service on its platform, such as gateway or processor."),
        Setting("WEBSOCKET_ENABLED", kind: .boolean, default: .boolean(true), "Whether WebSocket endpoints are open."),
        Setting(
            "STREAMING_TOPICS", or: "CONSUME_*", kind: .list, default: .list([]),
            "Kafka topics to subscribe to; without it, the sorted values of every CONSUME_*."),
        Setting("STREAMING_CONSUMER_GROUP", "The Kafka consumer group; without it, <service>-group."),
        Setting(
            "PRODUCE_*", field: "produce_topics", kind: .list, default: .list([]),
            "Topics for a role or a script to write to; nothing is limited to them."),
        Setting(
            "SECRETS_PATH", default: .string("/var/secrets"), "The directory the platform's secrets are mounted in."),
    ]

    private static let kafka: [Setting] = [
        Setting("KAFKA_BOOTSTRAP_SERVERS", kind: .brokers, from: .kafka, "The Kafka brokers, host:port."),
        Setting(
            "KAFKA_SECURITY_PROTOCOL", kind: .choice(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
            default: .string("PLAINTEXT"), from: .kafka, "How the connection to Kafka is secured."),
        Setting(
            "KAFKA_SASL_MECHANISM",
            kind: .choice(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"]), from: .kafka,
            "How the host authenticates with Kafka; PLAIN when the protocol is SASL_* and this is not set."),
        Setting("KAFKA_USERNAME", from: .kafka, "The user for SASL authentication."),
        Setting("KAFKA_PASSWORD", secret: true, from: .kafka, "The password for SASL authentication."),
        Setting(
            "KAFKA_SSL_CA", kind: .pem(.certificates), from: .kafka,
            "The authorities that brokers' certificates must be of; without it, the operating system's. "
                + "With KAFKA_SECURITY_PROTOCOL SSL or SASL_SSL, as the next three."),
        Setting(
            "KAFKA_SSL_CERT", kind: .pem(.certificates), from: .kafka,
            "The certificate that the host shows to Kafka, with those between it and its authority."),
        Setting("KAFKA_SSL_KEY", kind: .pem(.privateKey), secret: true, from: .kafka, "The key of KAFKA_SSL_CERT."),
        Setting(
            "KAFKA_SSL_KEY_PASSWORD", secret: true, from: .kafka, "What opens KAFKA_SSL_KEY, where it is encrypted."),
        Setting(
            "KAFKA_SCHEMA_REGISTRY_URL", kind: .url(["http", "https"]), from: .kafka,
            "The schema registry, for scripts; the host asks none."),
        Setting(
            "KAFKA_AUTO_OFFSET_RESET", kind: .choice(["earliest", "latest"]), default: .string("earliest"),
            from: .kafka, "Where a new consumer group begins."),
        Setting(
            "KAFKA_MESSAGE_MAX_BYTES", kind: .integer(1_000...1_000_000_000), default: .integer(1_048_576),
            from: .kafka,
            "The largest record that is sent or fetched; a broker has a limit of its own beside it."),
        Setting(
            "KAFKA_COMPRESSION", kind: .choice(["none", "gzip", "snappy", "lz4", "zstd"]), default: .string("none"),
            from: .kafka, "How records that are sent are compressed."),
        Setting(
            "KAFKA_COMMIT_INTERVAL", kind: .seconds(atMost: 3600), default: .number(1), from: .kafka,
            "Seconds between two commits of offsets; a crash delivers again what came after the last."),
        Setting(
            "KAFKA_GROUP_INSTANCE_ID", kind: .objectName, from: .kafka,
            "Static membership: the name under which this instance keeps its partitions over a restart that is shorter than "
                + "the session time-out; each worker adds its number. \"auto\" is the host's name. Without it, none."),
        Setting(
            "KAFKA_ASSIGNOR",
            kind: .choice(["roundrobin,range", "range,roundrobin", "roundrobin", "range", "cooperative-sticky"]),
            default: .string("roundrobin,range"), from: .kafka,
            "How a group shares its partitions; cooperative-sticky moves as few as it can, the others all of them."),
        Setting(
            "KAFKA_SESSION_TIMEOUT", kind: .seconds(atMost: 3600), from: .kafka,
            "Seconds of silence after which the group takes a member for dead [10]; brokers allow 6 to 1800."),
        Setting(
            "KAFKA_ALLOW_AUTO_CREATE_TOPICS", kind: .boolean, from: .kafka,
            "Whether consuming a topic may create it; true with the embedded broker, else false."),
    ]

    private static let mqtt: [Setting] = [
        Setting("MQTT_HOST", kind: .host, from: .mqtt, "The MQTT broker's host."),
        Setting("MQTT_PORT", kind: .servicePort, default: .integer(1883), from: .mqtt, "The MQTT broker's port."),
        Setting("MQTT_USER", from: .mqtt, "The user at the MQTT broker."),
        Setting("MQTT_PASSWORD", secret: true, from: .mqtt, "The password at the MQTT broker."),
        Setting(
            "MQTT_PROTOCOL", kind: .choice(MQTTSettings.WireProtocol.allCases.map(\.rawValue)),
            default: .string("tcp"), from: .mqtt, "How the MQTT broker is reached; ssl, tls and mqtts mean TLS."),
        Setting(
            "MQTT_CA", kind: .pem(.certificates), from: .mqtt,
            "The authorities that the broker's certificate must be of; without it, the operating system's. "
                + "With MQTT_PROTOCOL ssl, tls or mqtts, as the next two."),
        Setting(
            "MQTT_CERT", kind: .pem(.certificates), from: .mqtt,
            "The certificate that the host shows to the broker, with those between it and its authority."),
        Setting(
            "MQTT_KEY", kind: .pem(.privateKey), secret: true, from: .mqtt, "The key of MQTT_CERT, not encrypted."),
        Setting(
            "MQTT_CLIENT_ID", from: .mqtt,
            "The MQTT client id, for one instance; keep it stable, the session belongs to it."),
        Setting(
            "MQTT_SHARED_GROUP", kind: .objectName, from: .mqtt,
            "Several instances share the MQTT messages as this group ($share/GROUP/…); without it each gets all."),
        Setting("MQTT_TOPICS", kind: .list, default: .list([]), from: .mqtt, "MQTT topic filters to subscribe to."),
    ]

    private static let database: [Setting] = [
        Setting("DB_HOST", kind: .host, from: .db, "The database's host."),
        Setting("DB_PORT", kind: .servicePort, default: .integer(5432), from: .db, "The database's port."),
        Setting("DB_NAME", from: .db, "The database's name."),
        Setting("DB_USER", from: .db, "The database user."),
        Setting("DB_PASSWORD", secret: true, from: .db, "The database password."),
        Setting(
            "DB_SSL_MODE", kind: .choice(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
            default: .string("prefer"), from: .db, "How the connection to the database is secured."),
        Setting(
            "DB_CONNECTION_STRING", secret: true, from: .db,
            "The whole connection string; without it, one is built from the other DB_* settings."),
    ]

    private static let analytics: [Setting] = [
        Setting("METABASE_URL", kind: .url(["http", "https"]), from: .metabase, "Metabase's address."),
        Setting("METABASE_USER", from: .metabase, "The Metabase user."),
        Setting("METABASE_PASSWORD", secret: true, from: .metabase, "The Metabase password."),
        Setting("METABASE_API_KEY", secret: true, from: .metabase, "The Metabase API key."),
        Setting("METABASE_DATABASE_ID", from: .metabase, "The id of the database in Metabase."),
        Setting("LENSES_URL", kind: .url(["http", "https"]), from: .lenses, "Lenses' address."),
        Setting("LENSES_USER", from: .lenses, "The Lenses user."),
        Setting("LENSES_PASSWORD", secret: true, from: .lenses, "The Lenses password."),
        Setting("LENSES_API_KEY", secret: true, from: .lenses, "The Lenses API key."),
        Setting(
            "LENSES_WS_URL", kind: .url(["ws", "wss", "http", "https"]), from: .lenses, "Lenses' WebSocket address."),
    ]

    private static let others: [Setting] = [
        Setting("REDIS_HOST", kind: .host, "The Redis host."),
        Setting("REDIS_PORT", kind: .servicePort, default: .integer(6379), "The Redis port."),
        Setting("ANTHROPIC_API_KEY", secret: true, "The key for Anthropic's API."),
        Setting("OPENAI_API_KEY", secret: true, "The key for OpenAI's API."),
        Setting(
            "JWT_ISSUER_URI", or: "AUTH0_ISSUER",
            "The issuer of the tokens that clients present; not checked yet, so a host starts only with AUTH_BY_PROXY."),
        Setting(
            "AUTH_BY_PROXY", kind: .boolean, default: .boolean(false),
            "Whether a proxy in front of the host checks the tokens of JWT_ISSUER_URI."),
    ]
}
