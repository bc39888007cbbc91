import AgentConfiguration
import AgentModel
import AgentWorker
import Logging

/// Gives scripts the secrets that the configuration knows, and reads those of other platforms.
final class PlatformSecretSource: SecretSource {
    private let resolver: ConfigurationResolver
    private let environment: [String: String]
    private let logger: Logger

    init(_ resolver: ConfigurationResolver, environment: [String: String], logger: Logger) {
        self.resolver = resolver
        self.environment = environment
        self.logger = logger
    }

    var configured: (platform: String, values: [String: JSONValue])? {
        resolver.secrets.map { ($0.platform, values(of: $0)) }
    }

    func read(platform: String) async -> Result<[String: JSONValue], DeliveryFailure> {
        do {
            let loader = try PlatformSecretLoader(
                platform: platform, secretsPath: resolver.configuration().secretsPath, environment: environment,
                logger: logger)
            return .success(values(of: await loader.load()))
        } catch {
            return .failure(DeliveryFailure("\(ErrorText.of(error))"))
        }
    }

    private func values(of secrets: PlatformSecrets) -> [String: JSONValue] {
        secrets.flattened(environment: environment).mapValues(\.json)
    }
}
