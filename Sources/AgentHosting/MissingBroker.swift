package import AgentModel

/// A broker that agents need and that the host does not have: why, and what comes of it.
package struct MissingBroker: Sendable, Hashable, CustomStringConvertible {
    /// Topics beyond these are counted.
    private static let shown = 5

    package var kind: TransportName
    /// "MQTT_HOST is not set, and --no-embedded was given"
    package var reason: String
    /// Topics that get no message from anywhere, sorted.
    package var silent: [String]
    /// Topics that the other broker serves, sorted.
    package var elsewhere: [String]
    /// Whether a script sends to it, or may.
    package var isSentTo: Bool

    package init(_ kind: TransportName, reason: String, silent: [String], elsewhere: [String], isSentTo: Bool) {
        self.kind = kind
        self.reason = reason
        self.silent = silent
        self.elsewhere = elsewhere
        self.isSentTo = isSentTo
    }

    package var description: String {
        var parts = ["no \(kind.title): \(reason)"]
        if !silent.isEmpty { parts.append("\(Self.list(silent)) \(silent.count == 1 ? "gets" : "get") no messages") }
        if !elsewhere.isEmpty {
            let other = kind == .kafka ? TransportName.mqtt : .kafka
            parts.append("\(Self.list(elsewhere)) from \(other.title) alone")
        }
        if isSentTo { parts.append("agent:send_\(kind) returns nil and an error") }
        return parts.joined(separator: "; ")
    }

    private static func list(_ topics: [String]) -> String {
        let names = topics.prefix(shown).joined(separator: ", ")
        return topics.count > shown ? "\(names) and \(topics.count - shown) more" : names
    }
}
