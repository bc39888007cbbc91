import AgentModel

/// An environment variable that begins as the settings of a broker or a database do, and is none of them.
///
/// `KAFKA_BOOTSTRAP_SERVER=prod:9092` lacks a letter, and would otherwise be passed over in silence.
package struct StrayVariable: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    /// The setting that was probably meant; where none is near, the one that names the broker.
    package let nearest: String
    /// Set by Kubernetes for a service of that name, so that nobody has misspelled it.
    package let isServiceLink: Bool

    package var description: String {
        isServiceLink
            ? "\(name) tells of a Kubernetes service and is no setting; the setting is \(nearest)"
            : "\(name) is no setting; did you mean \(nearest)?"
    }

    /// Those of the environment, by name.
    package static func all(in environment: [String: String]) -> [StrayVariable] {
        environment.keys.sorted().compactMap { name in
            guard let family = families.first(where: { name.hasPrefix($0.prefix) }) else { return nil }
            let isServiceLink = KubernetesServiceVariable.matches(name, value: environment[name] ?? "")
            let known = Setting.all.flatMap(\.variables).filter { $0.hasPrefix(family.prefix) }
            if known.contains(name), !isServiceLink { return nil }
            let nearest = isServiceLink ? family.main : near(name, known) ?? family.main
            return StrayVariable(name: name, nearest: nearest, isServiceLink: isServiceLink)
        }
    }

    private static let families: [(prefix: String, main: String)] = [
        ("KAFKA_", "KAFKA_BOOTSTRAP_SERVERS"), ("MQTT_", "MQTT_HOST"), ("DB_", "DB_HOST"),
    ]

    /// `MQTT_USERNAME` is longer than what it means, `KAFKA_BOOTSTRAP` shorter.
    private static func near(_ name: String, _ known: [String]) -> String? {
        NameSuggestion.nearest(name, among: known) ?? known.first { name.hasPrefix($0) || $0.hasPrefix(name) }
    }

    /// True for a variable of Kafka or MQTT.
    package var isOfBroker: Bool { !name.hasPrefix("DB_") }
}

/// The variables that Kubernetes sets in every container for every service of the namespace (Kubernetes documentation,
/// "Environment variables" of a Service; the second half is Docker's links): a service called `kafka` makes
/// `KAFKA_PORT=tcp://10.0.0.11:9092`, which is no port of ours.
enum KubernetesServiceVariable {
    static func matches(_ name: String, value: String) -> Bool {
        if name.hasSuffix("_PORT"), isAddress(value) { return true }
        let words = name.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        if let service = words.lastIndex(of: "SERVICE"), service > 0, service + 1 < words.count {
            if words[(service + 1)...].elementsEqual(["HOST"]) { return true }
            // With the name of a port behind it, for services of several.
            if words[service + 1] == "PORT" { return true }
        }
        // NAME_PORT_9092_TCP, and _PROTO, _PORT, _ADDR behind it.
        guard let port = words.firstIndex(of: "PORT"), port > 0, port + 2 < words.count, Int(words[port + 1]) != nil,
            protocols.contains(words[port + 2].lowercased())
        else { return false }
        return port + 3 == words.count
            || port + 4 == words.count && ["PROTO", "PORT", "ADDR"].contains(words[port + 3])
    }

    private static let protocols = ["tcp", "udp", "sctp"]

    private static func isAddress(_ value: String) -> Bool {
        protocols.contains { value.hasPrefix("\($0)://") }
    }
}
