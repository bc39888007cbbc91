import AgentModel
import Foundation
import KafkaTransport
import Logging
import MQTTTransport

/// Sees to it that a certificate which is renewed where it lies is shown before the one that it replaces ends.
///
/// A client of Kafka reads its files once in its life, which is the host's; so files that settings name by path are looked at
/// now and then, and the transport concerned connects anew, as for a rotated secret.
struct CertificateRenewal {
    /// Between two looks. What makes certificates renews them days before they end.
    private static let interval = Duration.seconds(2)

    let brokers: BrokerConnections
    let resolver: ConfigurationResolver
    let serviceName: String
    let logger: Logger

    /// Until its task is cancelled.
    func follow() async {
        var known = Marks(brokers.lineup)
        // A pair is two files, written one after the other: a change counts when it has been seen twice.
        var candidate = known
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let marks = Marks(brokers.lineup)
            defer { candidate = marks }
            guard marks != known, marks == candidate else { continue }
            await connect(
                kafka: marks.haveChanged(\.kafka, since: known), mqtt: marks.haveChanged(\.mqtt, since: known))
            known = marks
        }
    }

    private func connect(kafka: Bool, mqtt: Bool) async {
        guard kafka || mqtt else { return }
        do {
            guard let config = try resolver.resolveAgain() else { return }
            let lineup = try BrokerLineup(configured: config, serviceName: serviceName)
            logger.notice(
                "certificates were renewed",
                metadata: [
                    "of": "\([kafka ? "kafka" : nil, mqtt ? "mqtt" : nil].compactMap { $0 }.joined(separator: ", "))"
                ])
            try await brokers.reconnect(to: lineup, kafka: kafka, mqtt: mqtt)
        } catch {
            logger.error(
                "renewed certificates cannot be used; the connections stay as they are",
                metadata: ["error": "\(ErrorText.of(error))"])
        }
    }

    /// By what a change of files is told, the files behind links, as Kubernetes renews what it mounts.
    private struct Marks: Equatable {
        let kafka: [String: String]
        let mqtt: [String: String]

        init(_ lineup: BrokerLineup) {
            kafka = Self.marks(lineup.kafka?.tls)
            mqtt = Self.marks(lineup.mqtt?.tls)
        }

        private static func marks(_ tls: TLSFiles?) -> [String: String] {
            var marks: [String: String] = [:]
            for file in [tls?.authority, tls?.certificate, tls?.key].compactMap({ $0 }) {
                var status = stat()
                guard stat(file.path, &status) == 0 else {
                    marks[file.path] = "absent"
                    continue
                }
                let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
                marks[file.path] = "\(status.st_dev) \(status.st_ino) \(status.st_size) \(time)"
            }
            return marks
        }

        /// Whether the files of a transport are others: with other settings it has connected already.
        func haveChanged(_ transport: KeyPath<Marks, [String: String]>, since earlier: Marks) -> Bool {
            let (new, old) = (self[keyPath: transport], earlier[keyPath: transport])
            return Set(new.keys) == Set(old.keys) && new != old
        }
    }
}
