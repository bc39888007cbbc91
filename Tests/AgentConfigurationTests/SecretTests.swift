import AgentModel
import Logging
import Testing

@testable import AgentConfiguration

@Suite("Secret")
struct SecretTests {
    private let hidden = "hunter2-very-secret"

    /// Every way in which a value is usually printed.
    private func printed(_ value: some Any) -> String {
        var text = "\(value)\n" + String(reflecting: value) + "\n"
        dump(value, to: &text)
        return text
    }

    @Test("printing, reflecting or dumping a secret, or what holds one, shows no value")
    func nothingIsPrinted() throws {
        let environment = Dictionary(
            uniqueKeysWithValues: Setting.all.filter(\.isSecret).map { ($0.variable, hidden) })
        let hosts = [
            "KAFKA_BOOTSTRAP_SERVERS": "k:9092", "MQTT_HOST": "m", "DB_HOST": "d", "METABASE_URL": "http://m",
            "LENSES_URL": "http://l",
        ]
        let layers = SettingLayers(
            flags: ["kafka_password": hidden],
            secrets: .of("p", mqtt: ["MQTT_HOST": "m", "MQTT_PASSWORD": hidden]),
            environment: environment.merging(hosts) { first, _ in first },
            script: ["mqtt_password": .string(hidden)])
        let config = try AgentConfig(layers)
        #expect(config.secret("kafka_password")?.exposed == hidden)
        let texts: [String] = [
            printed(Secret(hidden)), printed(layers), printed(config), printed(config.kafka(for: "s") as Any),
            printed(config.mqtt(for: "s") as Any), printed(layers.secrets as Any), printed(config.listing()),
            printed(SettingReport.lines(config.listing())),
            printed(try PlatformSecretLoader(platform: "p", environment: environment, logger: Logger(label: "test"))),
            printed(OAMComponent.Variable(name: "DB_PASSWORD", value: .text(hidden))),
            printed(OAMComponent.Variable(name: "OTHER_TOKEN", value: .text(hidden))),
            printed(OAMComponent.Variable(name: "URL", value: .text("https://h?token=\(hidden)"))),
            printed(ResolvedSetting(value: .string(hidden), origin: .flag)),
        ]
        for text in texts { #expect(!text.contains(hidden)) }
        #expect(printed(Secret(hidden)).contains("****"))
    }

    @Test("a listing shows every setting, its value and where it came from")
    func listing() throws {
        let config = try AgentConfig(
            .init(
                secrets: .of("p", kafka: ["KAFKA_BOOTSTRAP_SERVERS": "k:9092", "KAFKA_PASSWORD": hidden]),
                environment: ["PORT": "81", "METABASE_URL": "http://admin:\(hidden)@m:3000/x"],
                script: ["task_timeout": .integer(5)]))
        let reports = Dictionary(uniqueKeysWithValues: config.listing().map { ($0.name, $0) })
        #expect(reports.count == Setting.all.count)
        #expect(reports["port"]?.value == "81" && reports["port"]?.origin == "environment variable PORT")
        #expect(reports["kafka_password"]?.value == "****")
        #expect(reports["kafka_password"]?.origin == "secret /var/secrets/p-kafka-secret")
        #expect(reports["metabase_url"]?.value == "http://****@m:3000/x")
        #expect(reports["task_timeout"]?.value == "5" && reports["task_timeout"]?.origin == "script")
        #expect(reports["host"]?.origin == "default")
        #expect(reports["redis_host"]?.value == nil && reports["redis_host"]?.origin == "not set")
        let lines = SettingReport.lines(config.listing())
        #expect(lines.contains { $0.hasPrefix("port ") && $0.hasSuffix("environment variable PORT") })
    }
}
