/// What `agenthost secrets PLATFORM` prints; never a value.
package struct SecretReport: Sendable, Equatable {
    /// One line a secret, and one for each thing that is wrong with it.
    package let lines: [String]
    /// 0 when all five secrets are complete, else 1.
    package let exitCode: Int32

    package init(_ secrets: PlatformSecrets) {
        var lines: [String] = []
        for secret in secrets.secrets {
            let start = Self.padded(secret.kind.rawValue, 10)
            switch secret.state {
            case .found:
                let keys = secret.values.keys.sorted().joined(separator: ", ")
                lines.append(start + Self.padded("found", 12) + "\(secret.location) (\(keys))")
            case .incomplete(let missing):
                lines.append(
                    start + Self.padded("incomplete", 12)
                        + "\(secret.location) lacks \(missing.joined(separator: ", "))\(Self.alternative(secret.kind))")
            case .missing(let reason):
                lines.append(start + Self.padded("missing", 12) + reason)
            }
            lines += secret.problems.map { Self.padded("", 22) + $0 }
        }
        self.lines = lines
        exitCode = secrets.isComplete ? 0 : 1
    }

    private static func alternative(_ kind: PlatformSecretKind) -> String {
        let others = kind.requiredKeys.dropFirst().map { $0.joined(separator: ", ") }
        return others.isEmpty ? "" : " (or \(others.joined(separator: ", or ")))"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
