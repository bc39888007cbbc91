/// Why an MQTT connection could not be had or was given up. Never holds a payload or a secret.
package struct MQTTError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// A setting that no connection can be made with.
        case invalidSettings
        /// The broker was not reached: name resolution, TCP or TLS.
        case unreachable
        /// The broker was reached and refused the connection in its CONNACK (MQTT 3.1.1 section 3.2.2.3).
        case refused
        /// The connection ended without having been asked to.
        case connectionLost
        /// Messages were not settled in time; the broker delivers them again.
        case heldTooLong
    }

    package let code: Code
    /// For people: what was tried and what came of it.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
