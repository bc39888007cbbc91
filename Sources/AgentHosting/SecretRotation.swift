import AgentConfiguration
import AgentModel
import Logging

/// Brings the secrets of the configured platform into the configuration: when a host starts, and when they are rotated.
struct SecretRotation {
    let resolver: ConfigurationResolver
    let environment: [String: String]
    let logger: Logger

    /// Reads those of a platform, and says what is wrong with them; nil: no platform is configured.
    ///
    /// - Throws: `ConfigurationError` when the platform's name is wrong.
    func load(platform: String?) async throws {
        guard let platform else { return }
        let secrets = try await loader(of: platform).load()
        for problem in secrets.problems { logger.warning("\(problem)") }
        resolver.use(secrets)
    }

    /// A rotated secret is picked up without a restart: the transport concerned connects anew with it. Until its task is
    /// cancelled.
    func follow(_ brokers: BrokerConnections, serviceName: String) async {
        guard let first = resolver.secrets, let loader = try? loader(of: first.platform) else { return }
        var known = first
        for await secrets in loader.changes(after: first) {
            let changed = secrets.changedKinds(since: known)
            known = secrets
            resolver.use(secrets)
            do {
                guard let config = try resolver.resolveAgain() else { continue }
                let lineup = try BrokerLineup(configured: config, serviceName: serviceName)
                logger.notice(
                    "secrets were rotated",
                    metadata: ["secrets": "\(changed.map(\.rawValue).sorted().joined(separator: ", "))"])
                try await brokers.reconnect(
                    to: lineup, Set(changed.compactMap { TransportName(known: $0.rawValue) }))
                resolver.hold(config)
            } catch {
                logger.error(
                    "rotated secrets cannot be used; the connections stay as they are",
                    metadata: ["error": "\(ErrorText.of(error))"])
            }
        }
    }

    private func loader(of platform: String) throws -> PlatformSecretLoader {
        try PlatformSecretLoader(
            platform: platform, secretsPath: resolver.configuration().secretsPath, environment: environment,
            logger: logger)
    }
}
