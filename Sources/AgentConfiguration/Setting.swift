import AgentModel

/// One setting of the host: its names, its kind, its default and the line that documents it.
///
/// The table ``Setting/all`` is the only place that lists settings; parsing, checks, `agenthost config` and the
/// documentation derive from it.
package struct Setting: Sendable {
    /// The name in Lua and in ``AgentConfig``: the first variable's name in lower case.
    package let field: String
    /// The variable that messages and listings name, the preferred one of ``variables``.
    package let variable: String
    /// The environment variables that set it, the preferred one first. A name that ends in `*` collects the values of
    /// every variable that begins with what precedes the star.
    package let variables: [String]
    /// What a value has to look like.
    package let kind: Kind
    /// The value when no layer gives one; nil when the setting is then not set.
    package let defaultValue: SettingValue?
    /// Whether its value is shown as `****` and kept out of `agent.config`.
    package let isSecret: Bool
    /// The platform secret that may supply it, if any.
    package let secretKind: PlatformSecretKind?
    /// One line of documentation.
    package let summary: String

    init(
        _ variable: String,
        or alias: String? = nil,
        field: String? = nil,
        kind: Kind = .text,
        default defaultValue: SettingValue? = nil,
        secret isSecret: Bool = false,
        from secretKind: PlatformSecretKind? = nil,
        _ summary: String
    ) {
        self.field = field ?? variable.lowercased()
        self.variable = variable
        self.variables = [variable] + (alias.map { [$0] } ?? [])
        self.kind = kind
        self.defaultValue = defaultValue
        self.isSecret = isSecret
        self.secretKind = secretKind
        self.summary = summary
    }

    /// A setting of a script's own. Its environment variable is the only layer above its default.
    package init(
        declared field: String, variable: String, kind: Kind, default defaultValue: SettingValue?,
        secret isSecret: Bool
    ) {
        self.init(
            variable, field: field, kind: kind, default: defaultValue, secret: isSecret, "Declared by the script.")
    }

    /// Every setting of the host that this environment variable sets, alone or with others.
    package static func ofVariable(_ variable: String) -> Setting? {
        all.first { setting in
            setting.variables.contains { $0 == variable || $0.hasSuffix("*") && variable.hasPrefix($0.dropLast()) }
        }
    }

    /// The names a script's `config` table may use: the field, and the lower-cased aliases.
    package var scriptNames: [String] {
        [field] + variables.filter { !$0.hasSuffix("*") }.map { $0.lowercased() }.filter { $0 != field }
    }

    /// The setting called `field` (or, for an alias, the setting it stands for), nil when there is none.
    package static func named(_ field: String) -> Setting? { byName[field] }

    /// `unknown setting "kafka_bootstrap_server", did you mean "kafka_bootstrap_servers"?`
    package static func unknownFieldMessage(_ field: String) -> String {
        let message = "unknown setting \"\(field)\""
        guard let nearest = NameSuggestion.nearest(field, among: all.map(\.field)) else {
            return message + "; one of the script's own is \(field) = agenthost.setting { default = … }"
        }
        return message + ", did you mean \"\(nearest)\"?"
    }

    private static let byName: [String: Setting] = {
        var names: [String: Setting] = [:]
        for setting in all {
            for name in setting.scriptNames { names[name] = setting }
        }
        return names
    }()
}
