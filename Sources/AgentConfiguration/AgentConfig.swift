package import AgentModel
package import Logging

/// Every setting of a host or an agent, resolved from its layers, with where each value came from.
///
/// The layers, highest first: command-line flag, mounted platform secret, environment variable, the script's `config`
/// table, default. A layer that gives an empty text or an empty list gives nothing.
package struct AgentConfig: Sendable {
    /// A value as a script writes it and reads it.
    package enum ScriptValue: Sendable, Equatable {
        case string(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
        case list([String])
    }

    /// The layer a value came from.
    package enum Origin: Sendable, Equatable, CustomStringConvertible {
        /// A flag on the command line.
        case flag
        /// A mounted or fetched platform secret; where it was read.
        case secret(String)
        /// An environment variable, and the file and line that have it when the process does not.
        case environment(String, place: String? = nil)
        /// The script's `config` table.
        case script
        /// The default of the table of settings, or derived from other settings.
        case `default`

        package var description: String {
            switch self {
            case .flag: "flag"
            case .secret(let path): "secret \(path)"
            case .environment(let name, let place): place ?? "environment variable \(name)"
            case .script: "script"
            case .default: "default"
            }
        }
    }

    /// What a configuration is made from.
    package struct Layers: Sendable {
        /// Command-line flags by field name (`port`, `host`, `log_level`, …).
        package var flags: [String: String]
        /// The platform's secrets, nil when no platform is configured.
        package var secrets: PlatformSecrets?
        /// The environment.
        package var environment: [String: String]
        /// Where variables are from that a file gave, as `prod.env:12`.
        package var environmentPlaces: [String: String]
        /// The script's `config` table by field name.
        package var script: [String: ScriptValue]
        /// Settings that the script declares for itself.
        package var declared: [Setting]
        /// The name the script declares, which is the service's when `SERVICE_NAME` gives none.
        package var agentName: String?

        package init(
            flags: [String: String] = [:],
            secrets: PlatformSecrets? = nil,
            environment: [String: String] = [:],
            environmentPlaces: [String: String] = [:],
            script: [String: ScriptValue] = [:],
            declared: [Setting] = [],
            agentName: String? = nil
        ) {
            self.flags = flags
            self.secrets = secrets
            self.environment = environment
            self.environmentPlaces = environmentPlaces
            self.script = script
            self.declared = declared
            self.agentName = agentName
        }
    }

    /// A value and its layer.
    struct Resolved: Sendable {
        var value: ScriptValue
        var origin: Origin
    }

    /// What was resolved, by field; a field without a value has no entry.
    private let resolved: [String: Resolved]
    private let declared: [Setting]

    /// Resolves every setting.
    /// - Throws: one ``ConfigurationError`` that lists every wrong value and every unknown field.
    package init(_ layers: Layers) throws(ConfigurationError) {
        var resolution = Resolution(layers)
        for setting in Setting.all + layers.declared { resolution.resolve(setting) }
        resolution.derive()
        resolution.reportUnknownFields()
        guard resolution.problems.isEmpty else { throw ConfigurationError(problems: resolution.problems) }
        resolved = resolution.resolved
        declared = layers.declared
    }

    /// The value of a setting of the host's, secret or not.
    func resolvedValue(_ field: String) -> ScriptValue? { resolved[field]?.value }

    private func setting(_ field: String) -> Setting? {
        Setting.named(field) ?? declared.first { $0.field == field }
    }

    /// The value of `field` as `agent.config` gives it; nil when it is not set, not known, or a secret.
    package func value(_ field: String) -> ScriptValue? {
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
    package func origin(of field: String) -> Origin? {
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

extension AgentConfig.Resolved: CustomStringConvertible, CustomReflectable {
    var description: String { "Resolved(\(origin))" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension AgentConfig.Layers: CustomStringConvertible, CustomReflectable {
    package var description: String {
        "Layers(\(flags.count) flags, \(environment.count) variables, \(script.count) script settings)"
    }
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
