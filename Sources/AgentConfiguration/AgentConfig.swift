package import AgentModel
package import Logging

/// Every setting of a host or an agent, resolved from its layers, with where each value came from.
///
/// The layers, highest first: command-line flag, mounted platform secret, environment variable, the script's `config`
/// table, default. A layer that gives an empty text or an empty list gives nothing.
package struct AgentConfig: Sendable {
    /// What was resolved, by field; a field without a value has no entry.
    private let resolved: [String: ResolvedSetting]
    private let declared: [Setting]

    /// Resolves every setting.
    /// - Throws: one ``ConfigurationError`` that lists every wrong value and every unknown field.
    package init(_ layers: SettingLayers) throws(ConfigurationError) {
        var resolution = SettingResolution(layers)
        for setting in Setting.all + layers.declared { resolution.resolve(setting) }
        resolution.derive()
        resolution.reportUnknownFields()
        guard resolution.problems.isEmpty else { throw ConfigurationError(problems: resolution.problems) }
        resolved = resolution.resolved
        declared = layers.declared
    }

    /// The value of a setting of the host's, secret or not.
    func resolvedValue(_ field: String) -> SettingValue? { resolved[field]?.value }

    private func setting(_ field: String) -> Setting? {
        Setting.named(field) ?? declared.first { $0.field == field }
    }

    /// The value of `field` as `agent.config` gives it; nil when it is not set, not known, or a secret.
    package func value(_ field: String) -> SettingValue? {
        guard let setting = setting(field), !setting.isSecret else { return nil }
        return resolved[setting.field]?.value
    }

    /// The secret setting `field`; nil when it is not set, not known, or no secret.
    package func secret(_ field: String) -> Secret? {
        guard let setting = setting(field), setting.isSecret,
            case .string(let text)? = resolved[setting.field]?.value
        else { return nil }
        return Secret(text)
    }

    /// The layer that gave `field` its value, nil when it is not set.
    package func origin(of field: String) -> SettingOrigin? {
        setting(field).flatMap { resolved[$0.field]?.origin }
    }

    /// Every setting with its value and origin, in the table's order, then the script's own: what `agenthost config`
    /// prints.
    package func listing() -> [SettingReport] {
        (Setting.all + declared).map { setting in
            SettingReport(setting, resolved[setting.field])
        }
    }

    /// The field of every name by which a script may ask for a setting, those that are not set included.
    package var names: [String: String] {
        var names: [String: String] = [:]
        for setting in Setting.all + declared {
            for name in setting.scriptNames { names[name] = setting.field }
        }
        return names
    }
}

// Settings may be secret, so a configuration never shows its values by accident.
extension AgentConfig: CustomStringConvertible, CustomReflectable {
    package var description: String { "AgentConfig(\(resolved.count) settings)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension AgentConfig {
    /// The text of a setting; nil when not set.
    func text(_ field: String) -> String? {
        guard case .string(let text)? = resolved[field]?.value else { return nil }
        return text
    }

    /// The items of a list setting; empty when not set.
    func list(_ field: String) -> [String] {
        guard case .list(let items)? = resolved[field]?.value else { return [] }
        return items
    }

    /// A whole number that the table gives a default, so it is always there.
    func integer(_ field: String) -> Int {
        guard case .integer(let number)? = resolved[field]?.value else {
            preconditionFailure("\(field) is no integer setting with a default")
        }
        return Int(number)
    }

    /// Seconds that the table gives a default, so they are always there.
    func duration(_ field: String) -> Duration {
        switch resolved[field]?.value {
        case .integer(let seconds): return .seconds(seconds)
        case .number(let seconds): return .seconds(seconds)
        default: preconditionFailure("\(field) is no setting in seconds with a default")
        }
    }

    /// A truth value; false when not set.
    func boolean(_ field: String) -> Bool {
        resolved[field]?.value == .boolean(true)
    }

    /// The least severe level that is logged.
    package var logLevel: Logger.Level {
        text("log_level").flatMap { Logger.Level(rawValue: $0.lowercased()) } ?? .info
    }
}
