/// Which transport: the name that scripts, logs and kept dead letters have for it.
package struct TransportName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ name: String) {
        description = name
    }

    package static let kafka = TransportName("kafka")
    package static let mqtt = TransportName("mqtt")

    /// Those of `TransportTraits.all`.
    package static let known = TransportTraits.all.map(\.name)

    /// nil: no host knows it.
    package init?(known name: String) {
        guard let known = Self.known.first(where: { $0.description == name }) else { return nil }
        self = known
    }
}
