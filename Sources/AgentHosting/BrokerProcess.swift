import AgentModel
import DevelopmentBrokers
import Foundation
package import Logging
import ServiceLifecycle
import UnixSignals

/// The development brokers as a process of their own, so that a host can be ended and started again beside them.
package enum BrokerProcess {
    /// Runs until SIGTERM or SIGINT. Throws `HostFailure`.
    package static func run(
        readyFile: String?, logger: Logger, announce: @escaping @Sendable (String) -> Void
    ) async throws {
        let kafka: EmbeddedKafka
        let mosquitto: EmbeddedMosquitto?
        do {
            kafka = try EmbeddedKafka()
            mosquitto = EmbeddedMosquitto.isInstalled ? try EmbeddedMosquitto(logger: logger) : nil
        } catch {
            throw HostFailure(.resource, "a development broker cannot start: \(ErrorText.of(error))")
        }
        let report = ReadyReport(
            http: nil, kafka: kafka.bootstrapServers, mqtt: mosquitto.map { "127.0.0.1:\($0.port)" })
        for line in report.lines(kafkaEmbedded: true, mqttEmbedded: true) { announce(line) }
        if mosquitto == nil { announce("mqtt off: mosquitto is not installed") }
        let settings =
            ["KAFKA_BOOTSTRAP_SERVERS=\(kafka.bootstrapServers)"]
            + (mosquitto.map { ["MQTT_HOST=127.0.0.1", "MQTT_PORT=\($0.port)"] } ?? [])
        announce("a host that uses them: \(settings.joined(separator: " ")) agenthost run AGENT.lua")
        announce("Ctrl-C stops, and SIGTERM; what they hold ends with this process")
        if let readyFile {
            do {
                try report.write(to: readyFile)
            } catch {
                throw HostFailure(
                    .agent, "the ready file \(readyFile) cannot be written: \(error.localizedDescription)")
            }
        }
        let group = ServiceGroup(
            services: [UntilShutdown()], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
        kafka.stop()
        await mosquitto?.stop()
        if let readyFile { try? FileManager.default.removeItem(atPath: readyFile) }
    }
}

/// A service that only lasts.
private struct UntilShutdown: Service {
    func run() async throws { try await gracefulShutdown() }
}
