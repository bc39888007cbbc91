/// How to reach the MQTT broker.
package struct MQTTSettings: Sendable, Equatable {
    /// The spellings of the transport that clients and platforms use.
    package enum WireProtocol: String, Sendable, CaseIterable {
        case tcp, mqtt, ssl, tls, mqtts, ws, wss

        /// Whether the connection is encrypted.
        package var usesTLS: Bool {
            switch self {
            case .ssl, .tls, .mqtts, .wss: true
            case .tcp, .mqtt, .ws: false
            }
        }

        /// Whether MQTT travels in WebSocket frames.
        package var usesWebSocket: Bool { self == .ws || self == .wss }
    }

    package let host: String
    package let port: Int
    package let user: String?
    package let password: Secret?
    package let wireProtocol: WireProtocol
    /// The configured client id; the transport makes a stable one of its own when nil.
    package let clientID: String?
    /// The group that shares the subscriptions; nil: none.
    package let sharedGroup: String?
}
