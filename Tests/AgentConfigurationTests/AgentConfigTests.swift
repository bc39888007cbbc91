import AgentModel
import Logging
import Testing

@testable import AgentConfiguration

@Suite("AgentConfig")
struct AgentConfigTests {
    @Test("without any layer every setting has the contract's default")
    func defaults() throws {
        let config = try AgentConfig(.init())
        #expect(config.host == "127.0.0.1")
        #expect(config.port == 8080)
        #expect(config.logLevel == .info)
        #expect(config.maxConcurrentTasks == 10)
        #expect(config.maxQueuedTasks == 1024)
        #expect(config.taskTimeout == .seconds(300))
        #expect(config.allowedOrigins == [])
        #expect(config.secretsPath == "/var/secrets")
        #expect(config.websocketEnabled)
        #expect(config.serviceName == nil)
        #expect(config.agentType == nil)
        #expect(config.implementationType == nil)
        #expect(config.realtimePlatform == nil)
        #expect(config.realtimeRole == nil)
        #expect(config.streamingTopics == [] && config.mqttTopics == [] && config.value("produce_topics") == .list([]))
        #expect(config.streamingConsumerGroup == nil)
        #expect(config.kafka(for: "s") == nil && config.mqtt(for: "s") == nil)
        for field in ["db_host", "metabase_url", "lenses_url", "redis_host", "mqtt_client_id", "jwt_issuer_uri"] {
            #expect(config.value(field) == nil)
        }
        #expect(config.secret("anthropic_api_key") == nil && config.secret("openai_api_key") == nil)
        #expect(config.origin(of: "port") == .default)
        #expect(config.origin(of: "service_name") == nil)
    }

    @Test("flag beats secret beats environment beats script beats default")
    func precedence() throws {
        let secrets = PlatformSecrets.of("p", kafka: ["KAFKA_BOOTSTRAP_SERVERS": "secret:9092"])
        var layers = SettingLayers(
            flags: ["port": "1"],
            secrets: secrets,
            environment: ["PORT": "2", "KAFKA_BOOTSTRAP_SERVERS": "environment:9092", "HOST": "0.0.0.0"],
            script: [
                "port": .integer(3), "kafka_bootstrap_servers": .string("script:9092"), "host": .string("script"),
                "redis_host": .string("redis"),
            ])
        var config = try AgentConfig(layers)
        #expect(config.port == 1)
        #expect(config.origin(of: "port") == .flag)
        #expect(config.kafka(for: "s")?.bootstrapServers == "secret:9092")
        #expect(config.origin(of: "kafka_bootstrap_servers") == .secret("/var/secrets/p-kafka-secret"))
        #expect(config.host == "0.0.0.0")
        #expect(config.origin(of: "host") == .environment("HOST"))
        #expect(config.value("redis_host") == .string("redis") && config.value("redis_port") == .integer(6379))
        #expect(config.origin(of: "redis_host") == .script)
        #expect(config.origin(of: "redis_port") == .default)

        layers.flags = [:]
        layers.secrets = nil
        config = try AgentConfig(layers)
        #expect(config.port == 2)
        #expect(config.kafka(for: "s")?.bootstrapServers == "environment:9092")

        layers.environment = [:]
        config = try AgentConfig(layers)
        #expect(config.port == 3)
        #expect(config.kafka(for: "s")?.bootstrapServers == "script:9092")
    }

    @Test("an empty value is none: the next layer serves")
    func emptyValues() throws {
        let config = try AgentConfig(
            .init(
                flags: ["host": ""], environment: ["HOST": " ", "PORT": "", "MQTT_HOST": ""],
                script: ["host": .string("10.0.0.1"), "streaming_topics": .list([])]))
        #expect(config.host == "10.0.0.1")
        #expect(config.port == 8080)
        #expect(config.mqtt(for: "s") == nil)
        #expect(config.origin(of: "streaming_topics") == .default)
    }

    @Test("the consumer group and the service name come from the script's name when nothing else gives them")
    func derivedNames() throws {
        let config = try AgentConfig(.init(agentName: "health-agent"))
        #expect(config.serviceName == "health-agent")
        #expect(config.streamingConsumerGroup == "health-agent-group")
        let named = try AgentConfig(.init(environment: ["SERVICE_NAME": "patients"], agentName: "health-agent"))
        #expect(named.serviceName == "patients")
        #expect(named.streamingConsumerGroup == "patients-group")
        let grouped = try AgentConfig(
            .init(environment: ["STREAMING_CONSUMER_GROUP": "mine"], agentName: "health-agent"))
        #expect(grouped.streamingConsumerGroup == "mine")
    }

    @Test("streaming topics are STREAMING_TOPICS, else the sorted values of every CONSUME_*")
    func streamingTopics() throws {
        var environment = [
            "CONSUME_2": "zebra", "CONSUME_vitals": "apple ", "CONSUME_": "nothing", "CONSUME_X": "zebra",
        ]
        var config = try AgentConfig(.init(environment: environment, script: ["streaming_topics": .list(["script"])]))
        #expect(config.streamingTopics == ["apple", "zebra"])
        #expect(config.origin(of: "streaming_topics") == .environment("CONSUME_*"))
        environment["STREAMING_TOPICS"] = "b, a,,b"
        config = try AgentConfig(.init(environment: environment))
        #expect(config.streamingTopics == ["b", "a"])
        config = try AgentConfig(.init(script: ["streaming_topics": .list(["events", "data"])]))
        #expect(config.streamingTopics == ["events", "data"])
    }

    @Test("PRODUCE_* are the topics the service may write")
    func produceTopics() throws {
        let config = try AgentConfig(.init(environment: ["PRODUCE_b": "out", "PRODUCE_a": "alerts"]))
        #expect(config.value("produce_topics") == .list(["alerts", "out"]))
    }

    @Test("the second name of a variable serves when the first is not set")
    func aliases() throws {
        let config = try AgentConfig(
            .init(environment: ["REALTIME_PLATFORM_NAME": "demo", "AUTH0_ISSUER": "https://x.auth0.com/"]))
        #expect(config.realtimePlatform == "demo")
        #expect(config.origin(of: "realtime_platform") == .environment("REALTIME_PLATFORM_NAME"))
        #expect(config.value("jwt_issuer_uri") == .string("https://x.auth0.com/"))
        let both = try AgentConfig(
            .init(environment: ["REALTIME_PLATFORM_NAME": "second", "REALTIME_PLATFORM": "first"]))
        #expect(both.realtimePlatform == "first")
    }

    @Test("every transport's settings arrive with their types")
    func transports() throws {
        let config = try AgentConfig(
            .init(environment: [
                "KAFKA_BOOTSTRAP_SERVERS": "a:9092, b:9093", "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
                "KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "kp",
                "KAFKA_SCHEMA_REGISTRY_URL": "http://registry:8081", "KAFKA_AUTO_OFFSET_RESET": "latest",
                "MQTT_HOST": "broker", "MQTT_PORT": "8883", "MQTT_USER": "m", "MQTT_PASSWORD": "mp",
                "MQTT_PROTOCOL": "MQTTS", "MQTT_CLIENT_ID": "c1", "MQTT_TOPICS": "a/+,b/#",
                "METABASE_URL": "http://m:3000", "METABASE_API_KEY": "mk", "METABASE_DATABASE_ID": "3",
                "LENSES_URL": "https://l", "LENSES_WS_URL": "wss://l/ws", "LENSES_USER": "lu",
                "ANTHROPIC_API_KEY": "ak", "OPENAI_API_KEY": "ok", "TASK_TIMEOUT": "0.5",
            ]))
        let kafka = try #require(config.kafka(for: "s"))
        #expect(kafka.bootstrapServers == "a:9092,b:9093")
        #expect(kafka.securityProtocol == "SASL_SSL" && kafka.saslMechanism == "SCRAM-SHA-512")
        #expect(kafka.username == "u" && kafka.password == Secret("kp"))
        #expect(kafka.autoOffsetReset == "latest" && kafka.clientID == "s" && kafka.groupID == "s-group")
        #expect(config.value("kafka_schema_registry_url") == .string("http://registry:8081"))
        let mqtt = try #require(config.mqtt(for: "s"))
        #expect(mqtt.host == "broker" && mqtt.port == 8883 && mqtt.user == "m" && mqtt.password == Secret("mp"))
        #expect(mqtt.wireProtocol == .mqtts && mqtt.wireProtocol.usesTLS && !mqtt.wireProtocol.usesWebSocket)
        #expect(mqtt.clientID == "c1" && config.mqttTopics == ["a/+", "b/#"])
        #expect(config.value("metabase_database_id") == .string("3"))
        #expect(config.secret("metabase_api_key") == Secret("mk"))
        #expect(config.value("lenses_ws_url") == .string("wss://l/ws") && config.value("lenses_user") == .string("lu"))
        #expect(config.secret("anthropic_api_key")?.exposed == "ak" && config.secret("openai_api_key")?.exposed == "ok")
        #expect(config.taskTimeout == .milliseconds(500))
    }

    @Test("a broker in memory takes what holds for every broker, and no credentials")
    func embedded() throws {
        let config = try AgentConfig(
            .init(environment: [
                "KAFKA_AUTO_OFFSET_RESET": "latest", "KAFKA_COMPRESSION": "lz4", "KAFKA_COMMIT_INTERVAL": "0.25",
                "KAFKA_MESSAGE_MAX_BYTES": "2000", "KAFKA_ALLOW_AUTO_CREATE_TOPICS": "false",
                "STREAMING_CONSUMER_GROUP": "mine", "MQTT_CLIENT_ID": "c1",
            ]))
        let kafka = config.kafka(embeddedAt: "127.0.0.1:9", for: "s")
        #expect(kafka.isEmbedded && kafka.bootstrapServers == "127.0.0.1:9" && kafka.groupID == "mine")
        #expect(kafka.autoOffsetReset == "latest" && kafka.compression == "lz4" && kafka.messageMaxBytes == 2000)
        #expect(kafka.commitInterval == .milliseconds(250) && kafka.allowsAutoCreateTopics == false)
        #expect(kafka.securityProtocol == "PLAINTEXT" && kafka.username == nil && kafka.password == nil)
        let mqtt = config.mqtt(embeddedAt: 1884, for: "s")
        #expect(mqtt.endpoint == "127.0.0.1:1884" && mqtt.clientID == "c1" && mqtt.keepsSession)
    }

    @Test("membership of the Kafka group: by name, by the host's, by none")
    func membership() throws {
        func kafka(_ environment: [String: String]) throws -> KafkaSettings? {
            try AgentConfig(.init(environment: environment.merging(["KAFKA_BOOTSTRAP_SERVERS": "a:9"]) { $1 }))
                .kafka(for: "s")
        }
        let usual = try #require(try kafka([:]))
        #expect(usual.groupInstanceID == nil && usual.assignor == "roundrobin,range" && usual.sessionTimeout == nil)
        let named = try #require(
            try kafka([
                "KAFKA_GROUP_INSTANCE_ID": "pod-3", "KAFKA_ASSIGNOR": "cooperative-sticky",
                "KAFKA_SESSION_TIMEOUT": "6.5",
            ]))
        #expect(named.groupInstanceID == "pod-3" && named.isCooperative && named.sessionTimeout == .milliseconds(6500))
        #expect(try kafka(["KAFKA_GROUP_INSTANCE_ID": "auto"])?.groupInstanceID == AgentConfig.hostName)
        #expect(!AgentConfig.hostName.isEmpty)
        #expect(throws: ConfigurationError.self) { try kafka(["KAFKA_GROUP_INSTANCE_ID": "a b"]) }
        #expect(throws: ConfigurationError.self) { try kafka(["KAFKA_ASSIGNOR": "sticky"]) }
    }

    @Test("the members of an MQTT group without a client id have a name each, and no session that outlives them")
    func sharedGroup() throws {
        var environment = ["MQTT_HOST": "m", "MQTT_SHARED_GROUP": "g"]
        var config = try AgentConfig(.init(environment: environment))
        let (one, other) = (config.mqtt(for: "s"), config.mqtt(for: "s"))
        #expect(one?.sharedGroup == "g" && one?.keepsSession == false && one?.clientID.hasPrefix("s-") == true)
        #expect(one?.clientID != other?.clientID)
        environment["MQTT_CLIENT_ID"] = "c1"
        config = try AgentConfig(.init(environment: environment))
        #expect(config.mqtt(for: "s")?.clientID == "c1" && config.mqtt(for: "s")?.keepsSession == true)
    }

    @Test("SASL without a mechanism means PLAIN, and without a user is an error")
    func saslDefaults() throws {
        var environment = ["KAFKA_BOOTSTRAP_SERVERS": "a:9092", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"]
        let error = #expect(throws: ConfigurationError.self) { try AgentConfig(.init(environment: environment)) }
        #expect(error?.problems.map(\.variable) == ["KAFKA_USERNAME", "KAFKA_PASSWORD"])
        environment["KAFKA_USERNAME"] = "u"
        environment["KAFKA_PASSWORD"] = "p"
        #expect(try AgentConfig(.init(environment: environment)).kafka(for: "s")?.saslMechanism == "PLAIN")
    }

    @Test("origins are normalized to what browsers send")
    func origins() throws {
        let config = try AgentConfig(.init(environment: ["ALLOWED_ORIGINS": "https://App.Example.com/, http://l:3000"]))
        #expect(config.allowedOrigins == ["https://app.example.com", "http://l:3000"])
        #expect(try AgentConfig(.init(environment: ["ALLOWED_ORIGINS": "*"])).allowedOrigins == ["*"])
        let ports = ["ALLOWED_ORIGINS": "https://a.example:443,https://a.example,HTTP://B:80/,http://b:81"]
        let origins = try AgentConfig(.init(environment: ports)).allowedOrigins
        #expect(origins == ["https://a.example", "http://b", "http://b:81"])
    }

    @Test("host names are in lower case; without a limit of their own, connections have none here")
    func hosts() throws {
        let config = try AgentConfig(.init(environment: ["ALLOWED_HOSTS": "App.Example., *.Ward.example, 10.0.0.1"]))
        #expect(config.allowedHosts == ["app.example", "*.ward.example", "10.0.0.1"])
        #expect(config.maxConnections == nil)
        #expect(config.maxMessageBytes == 2 << 20)
        #expect(!config.allowsCredentials)
        let limited = try AgentConfig(.init(environment: ["MAX_CONNECTIONS": "7", "MAX_MESSAGE_BYTES": "4096"]))
        #expect(limited.maxConnections == 7)
        #expect(limited.maxMessageBytes == 4096)
    }

    @Test(
        "truth values are read in the usual spellings",
        arguments: [
            ("true", true), ("1", true), ("YES", true), ("on", true), ("False", false), ("0", false), ("no", false),
            ("off", false),
        ])
    func truthValues(text: String, expected: Bool) throws {
        #expect(try AgentConfig(.init(environment: ["WEBSOCKET_ENABLED": text])).websocketEnabled == expected)
    }

    @Test("the variables that Kubernetes sets for services are no settings, and no topics")
    func serviceLinks() throws {
        let config = try AgentConfig(
            .init(environment: [
                "REDIS_HOST": "r", "REDIS_PORT": "tcp://10.0.0.11:6380", "MQTT_PORT": "1884",
                "DB_PORT": "tcp://10.0.0.3:5433", "CONSUME_ORDERS": "orders", "CONSUME_API_SERVICE_HOST": "10.0.0.7",
                "CONSUME_API_PORT_80_TCP_ADDR": "10.0.0.7", "CONSUME_API_PORT": "tcp://10.0.0.7:80",
            ]))
        #expect(config.value("redis_port") == .integer(6379))
        #expect(config.value("mqtt_port") == .integer(1884))
        #expect(config.value("db_port") == .integer(5432))
        #expect(config.streamingTopics == ["orders"])
    }

    @Test(
        "a variable that begins as a broker's or a database's and is no setting names the nearest",
        arguments: [
            ("KAFKA_BOOTSTRAP_SERVER", "prod:9092", "KAFKA_BOOTSTRAP_SERVERS", false),
            ("KAFKA_BROKERS", "prod:9092", "KAFKA_BOOTSTRAP_SERVERS", false),
            ("KAFKA_USER", "me", "KAFKA_USERNAME", false), ("MQTT_USERNAME", "me", "MQTT_USER", false),
            ("MQTT_HOSTS", "a", "MQTT_HOST", false), ("DB_PASWORD", "x", "DB_PASSWORD", false),
            ("KAFKA_PORT", "tcp://10.0.0.1:9092", "KAFKA_BOOTSTRAP_SERVERS", true),
            ("KAFKA_SERVICE_HOST", "10.0.0.1", "KAFKA_BOOTSTRAP_SERVERS", true),
            ("KAFKA_SERVICE_PORT_CLIENT", "9092", "KAFKA_BOOTSTRAP_SERVERS", true),
            ("MQTT_PORT_1883_TCP_ADDR", "10.0.0.2", "MQTT_HOST", true),
        ])
    func strayVariables(name: String, value: String, nearest: String, isServiceLink: Bool) {
        let strays = StrayVariable.all(in: [name: value, "KAFKA_COMPRESSION": "lz4", "MQTT_PORT": "1883", "HOME": "/"])
        #expect(strays.map(\.name) == [name])
        #expect(strays.map(\.nearest) == [nearest])
        #expect(strays.map(\.isServiceLink) == [isServiceLink])
        #expect(!"\(strays)".contains("prod"))
    }

    @Test("a part of a broker's settings without its address is told")
    func brokerWithoutAddress() throws {
        func told(_ environment: [String: String]) throws -> String? {
            try AgentConfig(.init(environment: environment)).brokerWithoutAddress
        }
        #expect(try told([:]) == nil)
        #expect(try told(["KAFKA_AUTO_OFFSET_RESET": "latest", "MQTT_CLIENT_ID": "c"]) == nil)
        #expect(try told(["KAFKA_USERNAME": "u"]) == "KAFKA_USERNAME is set without KAFKA_BOOTSTRAP_SERVERS")
        #expect(try told(["MQTT_PASSWORD": "p"]) == "MQTT_PASSWORD is set without MQTT_HOST")
        #expect(try told(["MQTT_PASSWORD": "p", "MQTT_USER": "u", "MQTT_HOST": "h"]) == nil)
    }

    @Test("log levels are read in Python's spellings too")
    func logLevels() throws {
        #expect(try AgentConfig(.init(environment: ["LOG_LEVEL": "debug"])).logLevel == .debug)
        #expect(try AgentConfig(.init(environment: ["LOG_LEVEL": "WARN"])).logLevel == .warning)
        #expect(try AgentConfig(.init(flags: ["log_level": "critical"])).logLevel == .critical)
    }

    @Test("a script's values are taken in their own types")
    func scriptTypes() throws {
        let config = try AgentConfig(
            .init(script: [
                "port": .number(9000), "task_timeout": .integer(5), "websocket_enabled": .boolean(false),
                "kafka_bootstrap_servers": .list(["a:1", "b:2"]), "max_concurrent_tasks": .string("4"),
                "jwt_issuer_uri": .string("https://issuer/"), "auth0_issuer": .string("ignored"),
            ]))
        #expect(config.port == 9000)
        #expect(config.taskTimeout == .seconds(5))
        #expect(!config.websocketEnabled)
        #expect(config.kafka(for: "s")?.bootstrapServers == "a:1,b:2")
        #expect(config.maxConcurrentTasks == 4)
        #expect(config.value("jwt_issuer_uri") == .string("https://issuer/"))
    }

    @Test("agent.config gives settings but never a secret")
    func scriptView() throws {
        let config = try AgentConfig(
            .init(environment: ["PORT": "81", "MQTT_PASSWORD": "hush", "MQTT_HOST": "broker"]))
        #expect(config.value("port") == .integer(81))
        #expect(config.value("mqtt_host") == .string("broker"))
        #expect(config.value("mqtt_password") == nil)
        #expect(config.secret("mqtt_password") == Secret("hush"))
        #expect(config.secret("mqtt_host") == nil)
        #expect(config.value("no_such_thing") == nil)
    }
}
