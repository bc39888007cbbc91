/// Why a broker for development could not be started.
package struct DevelopmentBrokerError: Error, Sendable, CustomStringConvertible {
    /// For people: what was tried and what came of it.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
