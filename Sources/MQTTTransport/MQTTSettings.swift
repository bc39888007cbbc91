package import AgentModel

/// How to reach an MQTT broker. Its description never shows the password.
package struct MQTTSettings: Sendable, CustomStringConvertible {
    /// The longest a message may be held unsettled is half of this, so the default allows ten minutes. A broker drops a
    /// client that it hears nothing from for one and a half times the keep-alive (MQTT 3.1.1 section 3.1.2.10), and the
    /// last packet before a hold may already be one keep-alive old. Some brokers cap the keep-alive at 1,200 seconds.
    package static let defaultKeepAlive = 1_200

    package var host: String
    package var port: Int
    package var user: String?
    package var password: String?
    /// True for `ssl`, `tls` and `mqtts`.
    package var usesTLS: Bool
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
    ///   - transport: `tcp` (or `mqtt`), or one of `ssl`, `tls`, `mqtts`.
    ///   - keepAlive: seconds, 5 to 65,535.
    ///   - holdLimit: seconds, at most half of `keepAlive`, which is the default.
    /// - Throws: `MQTTError.Code.invalidSettings` for anything out of range, and for a transport that
    ///   libmosquitto does not have.
    package init(
        host: String, port: Int = 1883, user: String? = nil, password: String? = nil, transport: String = "tcp",
        clientID: String, keepAlive: Int = MQTTSettings.defaultKeepAlive, tls: TLSFiles? = nil, holdLimit: Int? = nil
    ) throws(MQTTError) {
        switch transport.lowercased() {
        case "tcp", "mqtt": usesTLS = false
        case "ssl", "tls", "mqtts": usesTLS = true
        case "ws", "wss", "websocket", "websockets":
            throw MQTTError(
                .invalidSettings,
                "MQTT over WebSocket (\(transport)) is not available: libmosquitto has no WebSocket client; "
                    + "use tcp, or ssl, tls or mqtts")
        default:
            throw MQTTError(
                .invalidSettings, "unknown MQTT transport '\(transport)': expected tcp, or one of ssl, tls, mqtts")
        }
        guard !host.isEmpty, !host.utf8.contains(0) else {
            throw MQTTError(.invalidSettings, "the MQTT host is empty")
        }
        guard (1...65_535).contains(port) else {
            throw MQTTError(.invalidSettings, "MQTT port \(port) is not between 1 and 65535")
        }
        guard !clientID.isEmpty, !clientID.utf8.contains(0), clientID.utf8.count <= 65_535 else {
            throw MQTTError(.invalidSettings, "the MQTT client id is empty or too long")
        }
        guard (5...65_535).contains(keepAlive) else {
            throw MQTTError(.invalidSettings, "an MQTT keep-alive of \(keepAlive) s is not between 5 and 65535")
        }
        let limit = holdLimit ?? keepAlive / 2
        guard (1...keepAlive / 2).contains(limit) else {
            throw MQTTError(
                .invalidSettings, "an MQTT hold limit of \(limit) s is not between 1 and half of the keep-alive")
        }
        if password != nil, user == nil {
            // MQTT 3.1.1 section 3.1.2.9: without a user name the password flag must be 0.
            throw MQTTError(.invalidSettings, "an MQTT password needs a user name")
        }
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.clientID = clientID
        self.keepAlive = keepAlive
        self.tls = tls
        self.holdLimit = limit
    }

    /// `host:port`, as `/realtime/status` shows it.
    package var endpoint: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    package var description: String {
        let login = user.map { "\($0)\(password == nil ? "" : ":****")@" } ?? ""
        return "\(usesTLS ? "mqtts" : "mqtt")://\(login)\(endpoint) as \(clientID)"
    }

    /// What makes a client id one that no other process has: eight hexadecimal digits.
    package static func uniqueSuffix() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The same broker, for a client of another name.
    func renamed(_ clientID: String) -> MQTTSettings {
        var copy = self
        copy.clientID = clientID
        return copy
    }
}

extension MQTTSettings: CustomDebugStringConvertible, CustomReflectable {
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
