import AgentModel

/// A platform's five secrets at one moment.
package struct PlatformSecrets: Sendable, Equatable {
    package let platform: String
    /// All five, in the order of ``PlatformSecretKind``.
    package let secrets: [PlatformSecret]

    init(platform: String, secrets: [PlatformSecret]) {
        self.platform = platform
        self.secrets = secrets
    }

    package subscript(kind: PlatformSecretKind) -> PlatformSecret? {
        secrets.first { $0.kind == kind }
    }

    /// Whether all five are complete.
    package var isComplete: Bool { secrets.allSatisfy(\.isFound) }

    /// What is missing, incomplete or wrong, one sentence each; never a value.
    package var problems: [String] {
        secrets.flatMap { secret in
            var lines: [String] = []
            switch secret.state {
            case .found: break
            case .incomplete(let missing):
                lines.append("\(secret.location) is incomplete: it lacks \(missing.joined(separator: ", "))")
            case .missing(let reason):
                lines.append("secret \(secret.name) is missing: \(reason)")
            }
            return lines + secret.problems
        }
    }

    /// The secrets whose values differ from `earlier`'s: the transports concerned reconnect.
    package func changedKinds(since earlier: PlatformSecrets) -> Set<PlatformSecretKind> {
        Set(PlatformSecretKind.allCases.filter { self[$0]?.values != earlier[$0]?.values })
    }

    /// What a script gets from `agenthost.secrets()`: the platform's settings by field name, converted to their kinds,
    /// other keys of the secrets by their lower-cased name. A setting that no secret has comes from `environment`, else
    /// from its default. The values are exposed.
    package func flattened(environment: [String: String] = [:]) -> [String: SettingValue] {
        var flat: [String: SettingValue] = [:]
        for secret in secrets {
            for (key, value) in secret.values { flat[key.lowercased()] = .string(value.exposed) }
        }
        for setting in Setting.all where setting.secretKind != nil {
            let own = environment[setting.variable].flatMap {
                KubernetesServiceVariable.matches(setting.variable, value: $0) ? nil : $0
            }
            let text = value(of: setting)?.value.exposed ?? own
            if let text, !text.isEmpty {
                flat[setting.field] = setting.kind.parse(text) ?? .string(text)
            } else if let value = setting.defaultValue {
                flat[setting.field] = value
            }
        }
        return flat
    }

    /// The value that a secret has for `setting`, and where it was read.
    func value(of setting: Setting) -> (value: Secret, location: String)? {
        guard let kind = setting.secretKind, let secret = self[kind] else { return nil }
        for variable in setting.variables {
            if let value = secret.values[variable] { return (value, secret.location) }
        }
        return nil
    }
}
