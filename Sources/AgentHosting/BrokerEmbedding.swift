import AgentConfiguration
import AgentModel
import AgentWorker
import DevelopmentBrokers
import Logging
import Synchronization

/// Whether a host may start development brokers of its own, in memory.
package enum Embedding: Sendable {
    /// `--no-embedded`.
    case never
    /// Where an agent needs one, and nothing speaks of a real one.
    case asNeeded
    /// `--embedded`: for whatever is not configured.
    case always
}

/// Starts development brokers for what is not configured.
///
/// A host in production whose broker's address is misspelled must not put its messages into a memory that ends with it. So
/// without `--embedded` nothing is started where a platform is configured, where the host listens beyond loopback, or
/// where a variable or a setting speaks of a broker that has no address. What needs a broker is a handler, a configured
/// topic, or a script that names `send_kafka` or `send_mqtt`.
final class BrokerEmbedding: Sendable {
    private let mode: Embedding
    private let config: AgentConfig
    private let serviceName: String
    private let logger: Logger
    /// Why nothing is started although something is needed; nil: it may be.
    private let obstacle: String?
    /// What was told to be missing; once is enough.
    private let told = Mutex<Set<MissingBroker>>([])

    init(
        _ mode: Embedding, _ config: AgentConfig, environment: [String: String], serviceName: String, logger: Logger
    ) {
        self.mode = mode
        self.config = config
        self.serviceName = serviceName
        self.logger = logger
        obstacle = mode == .asNeeded ? Self.obstacle(config, environment) : nil
    }

    private static func obstacle(_ config: AgentConfig, _ environment: [String: String]) -> String? {
        if let platform = config.realtimePlatform { return "the platform \(platform) is configured" }
        if !isLoopback(config.host) { return "HOST is \(config.host), which is not loopback" }
        if let stray = StrayVariable.all(in: environment).first(where: \.isOfBroker) { return stray.description }
        return config.brokerWithoutAddress
    }

    private static func isLoopback(_ host: String) -> Bool {
        host.lowercased() == "localhost" || host.hasPrefix("127.") || host == "::1"
    }

    /// Adds to the lineup what is needed, not configured and not there yet. Returns the transports whose brokers were started.
    ///
    /// - Throws: `HostFailure` when one cannot be started.
    func start(for needs: Subscriptions, in lineup: inout BrokerLineup) throws -> [TransportName] {
        guard mode != .never, obstacle == nil else { return [] }
        var started: [TransportName] = []
        if lineup.kafka == nil, mode == .always || needsKafka(needs) {
            try startKafka(&lineup)
            started.append(.kafka)
        }
        if lineup.mqtt == nil, mode == .always || needsMQTT(needs), EmbeddedMosquitto.isInstalled {
            try startMosquitto(&lineup)
            started.append(.mqtt)
        }
        return started
    }

    private func needsKafka(_ needs: Subscriptions) -> Bool { needs.needs(.kafka, besideAnother: config.hasMQTT) }
    private func needsMQTT(_ needs: Subscriptions) -> Bool { needs.needs(.mqtt, besideAnother: config.hasKafka) }

    // MARK: What is missing

    /// The brokers that are needed and not in the lineup, but for what was told before.
    func missingAnew(for needs: Subscriptions, in lineup: BrokerLineup) -> [MissingBroker] {
        var missing: [MissingBroker] = []
        if lineup.kafka == nil, needsKafka(needs) {
            let (silent, elsewhere) = needs.without(.kafka, butAnother: lineup.mqtt != nil)
            missing.append(
                MissingBroker(
                    .kafka, reason: reason(.kafka), silent: silent, elsewhere: elsewhere,
                    isSentTo: needs.isSent(to: .kafka)))
        }
        if lineup.mqtt == nil, needsMQTT(needs) {
            let (silent, elsewhere) = needs.without(.mqtt, butAnother: lineup.kafka != nil)
            missing.append(
                MissingBroker(
                    .mqtt, reason: reason(.mqtt), silent: silent, elsewhere: elsewhere,
                    isSentTo: needs.isSent(to: .mqtt)))
        }
        return told.withLock { told in missing.filter { told.insert($0).inserted } }
    }

    private func reason(_ kind: TransportName) -> String {
        let unset = "\(kind.traits?.setting ?? "") is not set"
        if mode == .never { return "\(unset), and --no-embedded starts none in memory" }
        if let obstacle { return "\(unset), and none is started in memory without --embedded, since \(obstacle)" }
        return kind == .mqtt ? "mosquitto is not installed and \(unset)" : unset
    }

    // MARK: Starting

    private func startKafka(_ lineup: inout BrokerLineup) throws(HostFailure) {
        do throws(DevelopmentBrokerError) {
            let embedded = try EmbeddedKafka()
            lineup.embeddedKafka = embedded
            lineup.kafka = config.kafka(embeddedAt: embedded.bootstrapServers, for: serviceName)
            announce("Kafka", embedded.bootstrapServers)
        } catch {
            throw HostFailure(.resource, "the embedded Kafka cannot start: \(error)")
        }
    }

    private func startMosquitto(_ lineup: inout BrokerLineup) throws(HostFailure) {
        do {
            let embedded = try EmbeddedMosquitto(logger: logger)
            lineup.embeddedMosquitto = embedded
            lineup.mqtt = config.mqtt(embeddedAt: embedded.port, for: serviceName)
            announce("MQTT", "127.0.0.1:\(embedded.port)")
        } catch {
            throw HostFailure(.resource, "the embedded mosquitto cannot start: \(error)")
        }
    }

    private func announce(_ name: String, _ endpoint: String) {
        logger.notice("an embedded \(name) runs, in memory", metadata: ["endpoint": "\(endpoint)"])
    }
}
