package import AgentModel
import AgentScript
import NIOCore

/// Where scripts get the secrets of platforms from.
package protocol SecretSource: AnyObject, Sendable {
    /// Those of the configured platform, by setting name, as they are now; nil without a platform.
    var configured: (platform: String, values: [String: JSONValue])? { get }
    /// Reads those of any platform.
    func read(platform: String) async -> Result<[String: JSONValue], DeliveryFailure>
}

/// For a host without configuration.
package final class NoSecrets: SecretSource {
    package init() {}

    package var configured: (platform: String, values: [String: JSONValue])? { nil }

    package func read(platform: String) async -> Result<[String: JSONValue], DeliveryFailure> {
        .failure(DeliveryFailure("the secrets of \(platform) cannot be read here"))
    }
}
