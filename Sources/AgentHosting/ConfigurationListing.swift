package import AgentConfiguration
import AgentScript
import Logging

/// Every setting of an agent with where it came from: `agenthost config`.
package enum ConfigurationListing {
    /// One line a setting, or a setting that differs from its default, with the platform's secrets taking part as they do
    /// in a host; secret values are masked.
    ///
    /// - Throws: `HostFailure` with `file:line: message` when the script does not load, `ConfigurationError` when a
    ///   setting is wrong.
    package static func lines(
        script: String, environment: GivenEnvironment, onlyDifferences: Bool
    ) async throws -> [String] {
        let resolver = ConfigurationResolver(
            flags: [:], environment: environment.values, environmentPlaces: environment.places)
        try await loadSecrets(of: resolver.configuration(), into: resolver, environment.values)
        _ = try await ScriptCheck.run([script], resolver: resolver)
        if resolver.secrets == nil, let config = resolver.first, config.realtimePlatform != nil {
            // A platform that only the script names is known now; its secrets take part in a second load.
            try await loadSecrets(of: config, into: resolver, environment.values)
            _ = try await ScriptCheck.run([script], resolver: resolver)
        }
        guard let config = resolver.first else { throw HostFailure(.agent, "\(script): no agent was declared") }
        _ = try config.tls()
        return onlyDifferences ? SettingReport.differences(config.listing()) : SettingReport.lines(config.listing())
    }

    private static func loadSecrets(
        of config: AgentConfig, into resolver: ConfigurationResolver, _ environment: [String: String]
    ) async throws {
        guard let platform = config.realtimePlatform else { return }
        let loader = try PlatformSecretLoader(
            platform: platform, secretsPath: config.secretsPath, environment: environment,
            logger: Logger(label: "config", factory: { _ in SwiftLogNoOpLogHandler() }))
        resolver.use(await loader.load())
    }
}
