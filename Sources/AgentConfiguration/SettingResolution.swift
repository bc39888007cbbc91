import AgentModel
import Foundation

/// The one pass over the layers: finds each setting's value and collects what is wrong.
struct SettingResolution {
    private let layers: SettingLayers
    private(set) var resolved: [String: ResolvedSetting] = [:]
    private(set) var problems: [ConfigurationError.Problem] = []

    init(_ layers: SettingLayers) {
        self.layers = layers
    }

    /// Takes the value of the highest layer that has one. A wrong value does not fall through to the next layer:
    /// whoever set it meant something.
    mutating func resolve(_ setting: Setting) {
        if let text = layers.flags[setting.field], !Self.isBlank(text) {
            take(text, for: setting, variable: setting.variable, from: .flag)
        } else if let found = layers.secrets?.value(of: setting), !Self.isBlank(found.value.exposed) {
            take(found.value.exposed, for: setting, variable: setting.variable, from: .secret(found.location))
        } else if !resolveFromEnvironment(setting), !resolveFromScript(setting), let value = setting.defaultValue {
            resolved[setting.field] = ResolvedSetting(value: value, origin: .default)
        }
    }

    /// Values that other settings give when a setting has none of its own.
    mutating func derive() {
        if resolved["service_name"] == nil, let name = layers.agentName, !Self.isBlank(name) {
            resolved["service_name"] = ResolvedSetting(value: .string(name), origin: .script)
        }
        if resolved["streaming_consumer_group"] == nil, let service = text("service_name") {
            resolved["streaming_consumer_group"] = ResolvedSetting(value: .string(service + "-group"), origin: .default)
        }
        if resolved["state_path"] == nil, let home = layers.environment["HOME"], !Self.isBlank(home) {
            let path = home + "/.local/state/agenthost"
            resolved["state_path"] = ResolvedSetting(value: .string(path), origin: .default)
        }
        deriveKafkaAuthentication()
        checkCredentials()
    }

    /// Reports the fields of the script's table, and the flags, that are no setting.
    mutating func reportUnknownFields() {
        for field in layers.flags.keys.sorted() where Setting.named(field) == nil {
            problems.append(.unknown(field, in: "flag"))
        }
        for field in layers.script.keys.sorted() where Setting.named(field) == nil {
            problems.append(.unknown(field, in: "config"))
        }
    }

    private func text(_ field: String) -> String? {
        guard case .string(let text)? = resolved[field]?.value else { return nil }
        return text
    }

    private static func isBlank(_ text: String) -> Bool {
        text.allSatisfy(\.isWhitespace)
    }

    private mutating func take(_ text: String, for setting: Setting, variable: String, from origin: SettingOrigin) {
        // A secret is taken as it is, but for the newline that `echo` leaves; other text may lose its blanks.
        let cleaned =
            setting.isSecret
            ? text.trimmingCharacters(in: .newlines) : text.trimmingCharacters(in: .whitespacesAndNewlines)
        if let value = setting.kind.parse(cleaned) {
            resolved[setting.field] = ResolvedSetting(value: value, origin: origin)
        } else {
            problems.append(.wrongKind(setting, variable: variable, shown: cleaned, origin: origin))
        }
    }

    private mutating func resolveFromEnvironment(_ setting: Setting) -> Bool {
        for variable in setting.variables {
            if variable.hasSuffix("*") {
                let (topics, place) = collected(prefix: String(variable.dropLast()))
                guard !topics.isEmpty else { continue }
                resolved[setting.field] = ResolvedSetting(
                    value: .list(topics), origin: .environment(variable, place: place))
                return true
            }
            guard let text = layers.environment[variable], !Self.isBlank(text),
                !KubernetesServiceVariable.matches(variable, value: text)
            else { continue }
            let place = layers.environmentPlaces[variable]
            take(text, for: setting, variable: variable, from: .environment(variable, place: place))
            return true
        }
        return false
    }

    /// The sorted values of every variable that begins with `prefix`, and where they are from when all are from files.
    private func collected(prefix: String) -> (values: [String], place: String?) {
        var values: Set<String> = []
        var places: [String?] = []
        for (name, value) in layers.environment where name.hasPrefix(prefix) && name.count > prefix.count {
            let items = Setting.Kind.items(value)
            if items.isEmpty || KubernetesServiceVariable.matches(name, value: value) { continue }
            values.formUnion(items)
            places.append(layers.environmentPlaces[name])
        }
        let known = places.compactMap { $0 }.sorted()
        return (values.sorted(), known.count == places.count ? known.joined(separator: ", ") : nil)
    }

    private mutating func resolveFromScript(_ setting: Setting) -> Bool {
        for name in setting.scriptNames {
            guard let given = layers.script[name] else { continue }
            switch given {
            case .string(let text) where Self.isBlank(text): continue
            case .list(let items) where items.isEmpty: continue
            default: break
            }
            if let value = setting.kind.accept(given) {
                resolved[setting.field] = ResolvedSetting(value: value, origin: .script)
            } else {
                problems.append(
                    .wrongKind(setting, variable: setting.variable, shown: given.shown, origin: .script))
            }
            return true
        }
        return false
    }

    /// Browsers send cookies to nobody who lets every page in (Fetch standard, section 3.3.6).
    private mutating func checkCredentials() {
        guard resolved["allow_credentials"]?.value == .boolean(true),
            case .list(let origins)? = resolved["allowed_origins"]?.value, origins.contains("*")
        else { return }
        problems.append(
            ConfigurationError.Problem(
                variable: "ALLOW_CREDENTIALS",
                description: "ALLOW_CREDENTIALS=true: expected ALLOWED_ORIGINS with each origin by its name, got *")
        )
    }

    /// SASL without a mechanism would make librdkafka try Kerberos, which no platform secret can configure; the
    /// platforms mean PLAIN. Without a user, PLAIN and SCRAM cannot even begin.
    private mutating func deriveKafkaAuthentication() {
        guard let securityProtocol = text("kafka_security_protocol"), securityProtocol.hasPrefix("SASL_"),
            resolved["kafka_bootstrap_servers"] != nil
        else { return }
        let mechanism = text("kafka_sasl_mechanism") ?? "PLAIN"
        if resolved["kafka_sasl_mechanism"] == nil {
            resolved["kafka_sasl_mechanism"] = ResolvedSetting(value: .string(mechanism), origin: .default)
        }
        guard mechanism == "PLAIN" || mechanism.hasPrefix("SCRAM-") else { return }
        let reason = "KAFKA_SECURITY_PROTOCOL=\(securityProtocol) with \(mechanism)"
        for variable in ["KAFKA_USERNAME", "KAFKA_PASSWORD"] where resolved[variable.lowercased()] == nil {
            problems.append(.required(variable, by: reason))
        }
    }
}
