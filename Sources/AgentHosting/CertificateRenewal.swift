import AgentModel
import Foundation
import Logging

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
            await connect(marks.changed(since: known))
            known = marks
        }
    }

    private func connect(_ names: Set<TransportName>) async {
        guard !names.isEmpty else { return }
        do {
            guard let config = try resolver.resolveAgain() else { return }
            let lineup = try BrokerLineup(configured: config, serviceName: serviceName)
            logger.notice(
                "certificates were renewed",
                metadata: ["of": "\(names.map(\.description).sorted().joined(separator: ", "))"])
            try await brokers.reconnect(to: lineup, names)
        } catch {
            logger.error(
                "renewed certificates cannot be used; the connections stay as they are",
                metadata: ["error": "\(ErrorText.of(error))"])
        }
    }

    /// By what a change of files is told, the files behind links, as Kubernetes renews what it mounts.
    private struct Marks: Equatable {
        /// By transport and path.
        private let marks: [TransportName: [String: String]]

        init(_ lineup: BrokerLineup) {
            marks = Dictionary(uniqueKeysWithValues: lineup.plans.map { ($0.name, Self.marks($0.files)) })
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

        /// The transports whose files are others: with other settings it has connected already.
        func changed(since earlier: Marks) -> Set<TransportName> {
            Set(
                marks.compactMap { name, new in
                    guard let old = earlier.marks[name] else { return nil }
                    return Set(new.keys) == Set(old.keys) && new != old ? name : nil
                })
        }
    }
}
