package import AgentModel

/// One of a platform's secrets, as it was found.
package struct PlatformSecret: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        /// Every required key is there.
        case found
        /// The secret is there, these required keys are not.
        case incomplete(missing: [String])
        /// The secret is not there or cannot be used; why.
        case missing(String)
    }

    package let kind: PlatformSecretKind
    /// The secret's name, `{platform}-{kind}-secret`.
    package let name: String
    /// Where it was read or looked for: a directory, or `Kubernetes secret NAMESPACE/NAME`.
    package let location: String
    package let state: State
    /// The values by upper-case key.
    package let values: [String: Secret]
    /// What is wrong with single keys, each naming the place and the remedy; never a value.
    package let problems: [String]

    /// A secret whose keys were read.
    init(
        _ kind: PlatformSecretKind, name: String, location: String, values: [String: Secret], problems: [String]
    ) {
        self.kind = kind
        self.name = name
        self.location = location
        let missing = kind.missingKeys(Set(values.keys))
        state = missing.isEmpty ? .found : .incomplete(missing: missing)
        self.values = values
        self.problems = problems
    }

    /// A secret that could not be had.
    init(missing kind: PlatformSecretKind, name: String, location: String, reason: String) {
        self.kind = kind
        self.name = name
        self.location = location
        state = .missing(reason)
        values = [:]
        problems = []
    }

    /// Whether every required key is there.
    package var isFound: Bool { state == .found }

    /// The values of a set of raw key files: keys upper-cased with `_` for `-` and `.`, so that `mqtt-host` serves as
    /// `MQTT_HOST`; a key spelled exactly wins over one that has to be converted.
    static func byVariable(_ raw: [String: Secret]) -> [String: Secret] {
        var values: [String: Secret] = [:]
        for (key, value) in raw.sorted(by: { $0.key < $1.key }) {
            let variable = String(key.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
            if variable == key || raw[variable] == nil { values[variable] = value }
        }
        return values
    }
}
