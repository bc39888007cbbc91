import AgentModel

@testable import AgentConfiguration

extension PlatformSecrets {
    /// Secrets as mounted directories below `/var/secrets` would give them.
    static func of(_ platform: String, kafka: [String: String] = [:], mqtt: [String: String] = [:]) -> PlatformSecrets {
        let given: [PlatformSecretKind: [String: String]] = [.kafka: kafka, .mqtt: mqtt]
        return PlatformSecrets(
            platform: platform,
            secrets: PlatformSecretKind.allCases.map { kind in
                let name = kind.secretName(platform: platform)
                guard let values = given[kind], !values.isEmpty else {
                    return PlatformSecret(
                        missing: kind, name: name, location: "/var/secrets/" + name, reason: "it does not exist")
                }
                return PlatformSecret(
                    kind, name: name, location: "/var/secrets/" + name, values: values.mapValues(Secret.init),
                    problems: [])
            })
    }
}
