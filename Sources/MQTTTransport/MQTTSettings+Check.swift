package import AgentModel

extension MQTTSettings {
    /// Whether the library and the protocol can take them.
    ///
    /// - Throws: `MQTTError.Code.invalidSettings` for anything out of range, and for a transport that libmosquitto does
    ///   not have.
    package func check() throws(MQTTError) {
        guard !wireProtocol.usesWebSocket else {
            throw MQTTError(
                .invalidSettings,
                "MQTT over WebSocket (\(wireProtocol.rawValue)) is not available: libmosquitto has no WebSocket client; "
                    + "use tcp, or ssl, tls or mqtts")
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
        guard holdLimit >= 1 else {
            throw MQTTError(.invalidSettings, "an MQTT hold limit of \(holdLimit) s is less than 1")
        }
        if password != nil, user == nil {
            // MQTT 3.1.1 section 3.1.2.9: without a user name the password flag must be 0.
            throw MQTTError(.invalidSettings, "an MQTT password needs a user name")
        }
    }
}
