/// Which transport: the name that scripts, logs and kept dead letters have for it.
package struct TransportName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ name: String) {
        description = name
    }

    package static let kafka = TransportName("kafka")
    package static let mqtt = TransportName("mqtt")

    /// Those that every host knows, whether they are configured or not.
    package static let known = TransportTraits.all.map(\.name)

    /// nil: no host knows it.
    package init?(known name: String) {
        guard let known = Self.known.first(where: { $0.description == name }) else { return nil }
        self = known
    }

    package var traits: TransportTraits {
        TransportTraits.all.first { $0.name == self } ?? TransportTraits(name: self, title: description, setting: "")
    }
}

/// How transports differ for those who do not know them, as data.
package struct TransportTraits: Sendable {
    package let name: TransportName
    /// As people write it.
    package let title: String
    /// The setting that says where its broker is.
    package let setting: String
    /// What a host may run in the place of a broker that is not configured.
    package let embedded: String

    package init(name: TransportName, title: String, setting: String, embedded: String = "one") {
        self.name = name
        self.title = title
        self.setting = setting
        self.embedded = embedded
    }

    package static let all = [
        TransportTraits(name: .kafka, title: "Kafka", setting: "KAFKA_BOOTSTRAP_SERVERS"),
        TransportTraits(name: .mqtt, title: "MQTT", setting: "MQTT_HOST", embedded: "mosquitto"),
    ]

    /// Why nothing can be sent while it is off, for people.
    package var absence: String { "\(title) is not configured, and no embedded \(embedded) runs" }
}
