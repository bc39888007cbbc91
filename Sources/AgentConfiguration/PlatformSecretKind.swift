/// The five secrets of a realtime platform.
package enum PlatformSecretKind: String, Sendable, CaseIterable {
    case kafka, mqtt, db, metabase, lenses

    /// The alternatives of which one has to be there completely.
    package var requiredKeys: [[String]] {
        switch self {
        case .kafka: [["KAFKA_BOOTSTRAP_SERVERS"]]
        case .mqtt: [["MQTT_HOST"]]
        case .db: [["DB_HOST", "DB_NAME", "DB_USER"], ["DB_CONNECTION_STRING"]]
        case .metabase: [["METABASE_URL"]]
        case .lenses: [["LENSES_URL"]]
        }
    }

    /// The name of the secret of `platform`: `{platform}-{kind}-secret`.
    package func secretName(platform: String) -> String {
        "\(platform)-\(rawValue)-secret"
    }

    /// The required keys that `keys` lacks, of the alternative that lacks least; empty when one is complete.
    func missingKeys(_ keys: Set<String>) -> [String] {
        let lacking = requiredKeys.map { alternative in alternative.filter { !keys.contains($0) } }
        if lacking.contains(where: \.isEmpty) { return [] }
        return lacking.first ?? []
    }
}
