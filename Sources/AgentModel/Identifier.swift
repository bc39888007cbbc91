import Synchronization

/// Identifiers for what has no source of its own at hand.
package enum Identifier {
    private static let shared = Mutex(IdentifierSource())

    /// A new random UUID in lower case, from any thread.
    package static func random() -> String {
        shared.withLock { $0.next() }.description
    }
}
