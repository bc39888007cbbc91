/// How to reach an MQTT broker. Its description never shows the password.
package struct MQTTSettings: Sendable, CustomStringConvertible {
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

    /// A ping goes out once nothing was said for so long, and is answered within the same time again: a broker that is
    /// frozen, or cut off without a word, is noticed after twice this.
    package static let defaultKeepAlive = 20
    /// Ten minutes: longer than a task may take.
    package static let defaultHoldLimit = 600

    package var host: String
    package var port: Int
    package var user: String?
    package var password: Secret?
    package var wireProtocol: WireProtocol
    /// Names the session: one that is kept must have the same name from run to run, and be the only one of its name.
    package var clientID: String
    /// False: the broker forgets the subscriber's session, and what it had not acknowledged, when its connection ends.
    package var keepsSession = true
    /// Every subscription becomes `$share/GROUP/FILTER`: the members of the group share the messages. nil: none.
    package var sharedGroup: String?
    /// Seconds, 5 to 65,535.
    package var keepAlive: Int
    /// Whom to trust and what to show over TLS; nil: the operating system's authorities.
    package var tls: TLSFiles?
    /// Seconds that a message may stay unsettled before the connection is dropped so that the broker delivers it again.
    package var holdLimit: Int

    /// - Parameters:
    ///   - keepAlive: seconds, 5 to 65,535.
    ///   - holdLimit: seconds, from 1 on.
    package init(
        host: String, port: Int = 1883, user: String? = nil, password: Secret? = nil,
        wireProtocol: WireProtocol = .tcp, clientID: String, keepAlive: Int = MQTTSettings.defaultKeepAlive,
        tls: TLSFiles? = nil, holdLimit: Int = MQTTSettings.defaultHoldLimit
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.wireProtocol = wireProtocol
        self.clientID = clientID
        self.keepAlive = keepAlive
        self.tls = tls
        self.holdLimit = holdLimit
    }

    /// `host:port`, as `/realtime/status` shows it.
    package var endpoint: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    package var description: String {
        let login = user.map { "\($0)\(password.map { ":\($0)" } ?? "")@" } ?? ""
        return "\(wireProtocol.usesTLS ? "mqtts" : "mqtt")://\(login)\(endpoint) as \(clientID)"
    }

    /// What makes a client id one that no other process has: eight hexadecimal digits.
    package static func uniqueSuffix() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The same broker, for a client of another name.
    package func renamed(_ clientID: String) -> MQTTSettings {
        var copy = self
        copy.clientID = clientID
        return copy
    }
}

extension MQTTSettings: CustomDebugStringConvertible, CustomReflectable {
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
