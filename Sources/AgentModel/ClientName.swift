/// Names that clients choose: topics, subscriptions, types and ids of messages and tasks. They are kept, shown and sent
/// on, so a client must not choose how much memory each takes.
package enum ClientName {
    /// Of UTF-8.
    package static let maxBytes = 1024

    /// What to tell a client whose name is too long; nil for one that is not.
    package static func refusal(_ name: String, _ what: String) -> String? {
        name.utf8.count > maxBytes ? "The \(what) is longer than \(maxBytes) bytes" : nil
    }
}
