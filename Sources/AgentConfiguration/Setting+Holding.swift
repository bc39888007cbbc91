extension Setting {
    /// Whether the host reads it once, when it starts: a reload that changes it in the script's `config` table changes
    /// nothing until the host is started anew.
    var isHeldFromStart: Bool {
        switch secretKind {
        case .kafka: true
        case .mqtt: field != "mqtt_topics"
        case .db, .metabase, .lenses: false
        case nil: Self.heldByHost.contains(field)
        }
    }

    private static let heldByHost: Set<String> = [
        "service_name", "host", "port", "state_path", "allowed_origins", "allow_credentials", "allowed_hosts",
        "max_connections", "max_message_bytes", "access_log", "grace", "realtime_platform", "secrets_path",
        "streaming_consumer_group",
    ]
}
