import AgentModel

/// Everything that is wrong with a configuration, found in one pass.
///
/// Its description names each variable, its value (`****` for a secret and for whatever a mounted secret holds) and what
/// was expected.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One wrong setting.
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The environment variable's name, or the unknown field's.
        package let variable: String
        /// The whole sentence, beginning with the variable.
        package let description: String
        /// Whether a flag of the command line is what is wrong.
        package var isUsage = false
    }

    /// What is wrong, in the order of the table of settings; never empty.
    package let problems: [Problem]

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }

    /// Whether the command line is wrong, whatever else is.
    package var isUsage: Bool { problems.contains(where: \.isUsage) }
}

extension ConfigurationError.Problem {
    /// `PORT=abc (environment variable PORT): expected a whole number from 0 to 65535`
    static func wrongKind(
        _ setting: Setting, variable: String, shown: String, origin: SettingOrigin
    ) -> ConfigurationError.Problem {
        let isHidden =
            if case .secret = origin { true } else { setting.isSecret }
        let value = isHidden ? Secret.mask : Secret.masked(shown, everywhere: true)
        return ConfigurationError.Problem(
            variable: variable, description: "\(variable)=\(value) (\(origin)): expected \(setting.kind.expectation)",
            isUsage: origin == .flag)
    }

    /// A setting that another one makes necessary.
    static func required(_ variable: String, by reason: String) -> ConfigurationError.Problem {
        ConfigurationError.Problem(variable: variable, description: "\(variable) is not set: \(reason) needs it")
    }

    static func unknown(_ field: String, in place: String) -> ConfigurationError.Problem {
        ConfigurationError.Problem(
            variable: field, description: "\(place): \(Setting.unknownFieldMessage(field))", isUsage: place == "flag")
    }
}
