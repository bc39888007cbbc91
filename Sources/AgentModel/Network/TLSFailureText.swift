/// What OpenSSL says of a TLS connection that could not be made, for people: whose certificate was not accepted, and which
/// setting to look at.
package enum TLSFailureText {
    /// - Parameters:
    ///   - text: what a library passed on, with OpenSSL's words somewhere in it, as
    ///     `error:0A000086:SSL routines::certificate verify failed`.
    ///   - peer: the broker, `host:port`.
    ///   - prefix: what the names of the settings begin with, `KAFKA_SSL_` or `MQTT_`.
    /// - Returns: nil when the text tells of nothing that has to do with certificates.
    package static func of(_ text: String, peer: String, prefix: String) -> String? {
        if text.contains("certificate verify failed") {
            return text.contains("host name verification failed")
                ? "the certificate of \(peer) is for another name: certificate verify failed"
                : "the certificate of \(peer) is not trusted, or is for another name: certificate verify failed; "
                    + "\(prefix)CA has the authorities to trust"
        }
        if text.contains("alert certificate required") {
            return "\(peer) asks for a client certificate: set \(prefix)CERT and \(prefix)KEY"
        }
        for alert in [
            "unknown ca", "bad certificate", "certificate unknown", "certificate expired", "certificate revoked",
        ]
        where text.contains("alert \(alert)") {
            return "\(peer) does not accept the client certificate of \(prefix)CERT: \(alert)"
        }
        if text.contains("wrong version number") { return "\(peer) does not speak TLS" }
        return nil
    }
}
