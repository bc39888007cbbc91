import AgentConfiguration
import AgentScript

/// Every setting of an agent with where it came from: `agenthost config`.
package enum ConfigurationListing {
    package static func lines(script: String, environment: [String: String]) async throws -> [String] {
        let resolver = ConfigurationResolver(flags: [:], environment: environment)
        _ = try await ScriptCheck.run([script], resolver: resolver)
        guard let config = resolver.first else { throw HostFailure(.agent, "\(script): no agent was declared") }
        return SettingReport.lines(config.listing())
    }
}
