import AgentModel
import Foundation
import Logging
import Testing

@testable import AgentConfiguration

@Suite("PlatformSecretLoader")
struct PlatformSecretLoaderTests {
    private let folder: TemporaryFolder
    private let loader: PlatformSecretLoader

    init() throws {
        folder = try TemporaryFolder()
        loader = try PlatformSecretLoader(
            platform: "demo", secretsPath: folder.path, environment: [:], serviceAccountPath: folder.path + "/none",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func mountAll() throws {
        try folder.write("kafka:9092\n", to: "demo-kafka-secret/KAFKA_BOOTSTRAP_SERVERS")
        try folder.write("hush\n", to: "demo-kafka-secret/KAFKA_PASSWORD")
        try folder.write("mqtt", to: "demo-mqtt-secret/MQTT_HOST")
        try folder.write("1884", to: "demo-mqtt-secret/MQTT_PORT")
        try folder.write("postgres://x:hush@y\r\n", to: "demo-db-secret/DB_CONNECTION_STRING")
        try folder.write("http://metabase:3000", to: "demo-metabase-secret/METABASE_URL")
        try folder.write("http://lenses", to: "demo-lenses-secret/LENSES_URL")
    }

    @Test("five complete directories are found, newlines at the end stripped")
    func complete() async throws {
        try mountAll()
        let secrets = await loader.load()
        #expect(secrets.isComplete)
        #expect(secrets.problems.isEmpty)
        #expect(secrets[.kafka]?.values["KAFKA_BOOTSTRAP_SERVERS"]?.exposed == "kafka:9092")
        #expect(secrets[.db]?.values["DB_CONNECTION_STRING"]?.exposed == "postgres://x:hush@y")
        #expect(secrets[.kafka]?.location == folder.path + "/demo-kafka-secret")
        let config = try AgentConfig(.init(secrets: secrets, environment: ["MQTT_HOST": "other"]))
        #expect(config.mqtt(for: "s")?.host == "mqtt" && config.mqtt(for: "s")?.port == 1884)
        #expect(config.kafka(for: "s")?.password?.exposed == "hush")
    }

    @Test("Kubernetes' ..data links are followed and its own names are no keys")
    func kubernetesLayout() async throws {
        try folder.mount("demo-mqtt-secret", version: "2026_01", ["MQTT_HOST": "old", "MQTT_USER": "u"])
        #expect(await loader.load()[.mqtt]?.values.mapValues(\.exposed) == ["MQTT_HOST": "old", "MQTT_USER": "u"])
        try folder.mount("demo-mqtt-secret", version: "2026_02", ["MQTT_HOST": "new", "MQTT_USER": "v"])
        let rotated = await loader.load()
        #expect(rotated[.mqtt]?.values.mapValues(\.exposed) == ["MQTT_HOST": "new", "MQTT_USER": "v"])
        #expect(rotated[.mqtt]?.problems == [])
    }

    @Test("keys with dashes, dots and small letters serve as the variables")
    func keySpellings() async throws {
        try folder.write("a", to: "demo-mqtt-secret/mqtt-host")
        try folder.write("exact", to: "demo-mqtt-secret/MQTT_USER")
        try folder.write("loose", to: "demo-mqtt-secret/mqtt.user")
        let values = await loader.load()[.mqtt]?.values.mapValues(\.exposed)
        #expect(values == ["MQTT_HOST": "a", "MQTT_USER": "exact"])
    }

    @Test("what is missing or incomplete is told with its path and keys")
    func incomplete() async throws {
        try folder.write("db", to: "demo-db-secret/DB_HOST")
        try folder.makeDirectory("demo-kafka-secret")
        let secrets = await loader.load()
        #expect(!secrets.isComplete)
        #expect(secrets[.db]?.state == .incomplete(missing: ["DB_NAME", "DB_USER"]))
        #expect(secrets[.kafka]?.state == .incomplete(missing: ["KAFKA_BOOTSTRAP_SERVERS"]))
        guard case .missing(let reason)? = secrets[.mqtt]?.state else {
            Issue.record("mqtt is not missing")
            return
        }
        #expect(reason.contains("\(folder.path)/demo-mqtt-secret does not exist"))
        let text = secrets.problems.joined(separator: "\n")
        #expect(text.contains("\(folder.path)/demo-db-secret is incomplete: it lacks DB_NAME, DB_USER"))
        #expect(text.contains("secret demo-lenses-secret is missing"))
    }

    @Test("each bad key is one problem that names its path and the remedy, and the others serve")
    func badKeys() async throws {
        let name = "demo-kafka-secret"
        try folder.write("kafka:9092", to: name + "/KAFKA_BOOTSTRAP_SERVERS")
        try folder.write("\n", to: name + "/KAFKA_USERNAME")
        try folder.write(Data([0x68, 0x75, 0x6e, 0x74, 0xff, 0xfe]), to: name + "/KAFKA_PASSWORD")
        try folder.makeDirectory(name + "/KAFKA_SASL_MECHANISM")
        try folder.link(name + "/KAFKA_SECURITY_PROTOCOL", to: "nowhere")
        try #require(mkfifo("\(folder.path)/\(name)/FIFO", 0o600) == 0)
        try folder.write(Data(repeating: 0x61, count: 1 << 20 + 1), to: name + "/LARGE")
        let secret = try #require(await loader.load()[.kafka])
        let path = "\(folder.path)/\(name)/"
        #expect(secret.isFound)
        #expect(secret.values.keys.sorted() == ["KAFKA_BOOTSTRAP_SERVERS"])
        #expect(secret.problems.count == 6)
        let expected = [
            ("FIFO", "is not a file"), ("KAFKA_PASSWORD", "is not UTF-8 text"),
            ("KAFKA_SASL_MECHANISM", "is not a file"),
            ("KAFKA_SECURITY_PROTOCOL", "cannot be read (No such file or directory)"),
            ("KAFKA_USERNAME", "is empty"), ("LARGE", "is larger than 1 MiB"),
        ]
        for (key, problem) in expected {
            #expect(secret.problems.contains { $0.hasPrefix("\(path)\(key) \(problem)") }, "\(key)")
        }
        #expect(!secret.problems.joined().contains("hunt"))
    }

    @Test("a file or a dangling link in the place of a secret is told as such")
    func unusableDirectories() async throws {
        try folder.write("x", to: "demo-kafka-secret")
        try folder.link("demo-mqtt-secret", to: "nowhere")
        let problems = await loader.load().problems.joined(separator: "\n")
        #expect(problems.contains("\(folder.path)/demo-kafka-secret is a file, not a directory of one file a key"))
        #expect(problems.contains("\(folder.path)/demo-mqtt-secret is a link to nothing"))
    }

    @Test("a platform's name cannot leave the secrets' folder", arguments: ["", "..", "a/b", ".x", "a b", "é"])
    func platformNames(name: String) {
        #expect(throws: ConfigurationError.self) {
            try PlatformSecretLoader(platform: name, environment: [:], logger: Logger(label: "test"))
        }
    }

    @Test("the loader of a configuration takes platform and path from its layers, and is none without a platform")
    func fromLayers() throws {
        let logger = Logger(label: "test")
        #expect(try PlatformSecretLoader(SettingLayers(), logger: logger) == nil)
        // Settings that only the secret can complete must not keep it from being looked for.
        let layers = SettingLayers(
            environment: [
                "REALTIME_PLATFORM": "demo", "SECRETS_PATH": "/x", "KAFKA_BOOTSTRAP_SERVERS": "k:1",
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            ])
        let loader = try #require(try PlatformSecretLoader(layers, logger: logger))
        #expect(loader.platform == "demo" && loader.secretsPath == "/x")
        #expect(throws: ConfigurationError.self) {
            try PlatformSecretLoader(SettingLayers(script: ["realtime_platform": .string("a/b")]), logger: logger)
        }
    }

    @Test("a script gets the secrets flat, by setting name and in their types")
    func flattened() async throws {
        try mountAll()
        try folder.remove("demo-lenses-secret")
        try folder.write("17", to: "demo-mqtt-secret/EXTRA")
        let flat = await loader.load().flattened(environment: ["LENSES_URL": "http://from-environment"])
        #expect(flat["kafka_bootstrap_servers"] == .string("kafka:9092"))
        #expect(flat["kafka_password"] == .string("hush"))
        #expect(flat["kafka_security_protocol"] == .string("PLAINTEXT"))
        #expect(flat["mqtt_port"] == .integer(1884))
        #expect(flat["db_port"] == .integer(5432))
        #expect(flat["lenses_url"] == .string("http://from-environment"))
        #expect(flat["extra"] == .string("17"))
        #expect(flat["port"] == nil)
    }

    @Test("the report exits 0 only when all five are complete, and shows no value")
    func report() async throws {
        try mountAll()
        let complete = SecretReport(await loader.load())
        #expect(complete.exitCode == 0)
        #expect(complete.lines.count == 5)
        let kafkaKeys = "\(folder.path)/demo-kafka-secret (KAFKA_BOOTSTRAP_SERVERS, KAFKA_PASSWORD)"
        #expect(complete.lines.contains("kafka     found       " + kafkaKeys))
        #expect(!complete.lines.joined().contains("hush") && !complete.lines.joined().contains("kafka:9092"))
        try folder.remove("demo-db-secret/DB_CONNECTION_STRING")
        try folder.remove("demo-mqtt-secret")
        try folder.write("", to: "demo-lenses-secret/LENSES_PASSWORD")
        let partial = SecretReport(await loader.load())
        #expect(partial.exitCode == 1)
        let lacks = "\(folder.path)/demo-db-secret lacks DB_HOST, DB_NAME, DB_USER (or DB_CONNECTION_STRING)"
        #expect(partial.lines.contains("db        incomplete  " + lacks))
        #expect(partial.lines.contains { $0.hasPrefix("mqtt      missing     ") })
        #expect(partial.lines.contains { $0.hasSuffix("LENSES_PASSWORD is empty: write the value, or remove the key") })
    }
}
