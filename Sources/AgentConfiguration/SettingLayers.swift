/// What a configuration is made from.
package struct SettingLayers: Sendable {
    /// Command-line flags by field name (`port`, `host`, `log_level`, …).
    package var flags: [String: String]
    /// The platform's secrets, nil when no platform is configured.
    package var secrets: PlatformSecrets?
    /// The environment.
    package var environment: [String: String]
    /// Where variables are from that a file gave, as `prod.env:12`.
    package var environmentPlaces: [String: String]
    /// The script's `config` table by field name.
    package var script: [String: SettingValue]
    /// Settings that the script declares for itself.
    package var declared: [Setting]
    /// The name the script declares, which is the service's when `SERVICE_NAME` gives none.
    package var agentName: String?

    package init(
        flags: [String: String] = [:],
        secrets: PlatformSecrets? = nil,
        environment: [String: String] = [:],
        environmentPlaces: [String: String] = [:],
        script: [String: SettingValue] = [:],
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

// Settings may be secret, so what they are made from never shows its values by accident.
extension SettingLayers: CustomStringConvertible, CustomReflectable {
    package var description: String {
        "SettingLayers(\(flags.count) flags, \(environment.count) variables, \(script.count) script settings)"
    }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
