import Foundation

/// Text that must never be printed: a password, an API key, a connection string.
///
/// Interpolating, describing, reflecting or dumping one gives `****`; only ``exposed`` gives the text. Wrapping makes
/// leaking a value into a log or an error something that has to be written on purpose.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What is shown in place of a secret, everywhere.
    package static let mask = "****"

    private let text: String

    package init(_ text: String) {
        self.text = text
    }

    /// The text itself, for handing to the library that connects with it.
    package var exposed: String { text }

    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// `text` with the user information of every URL in it replaced by the mask: `http://user:pw@host` becomes
    /// `http://****@host`.
    ///
    /// A password may itself hold an "@" or a "/" that its author forgot to encode, so everything up to the last "@" of
    /// a word is taken for user information: better to hide too much.
    /// - Parameter everywhere: whether a word without a scheme, such as `user:pw@host`, is masked too.
    static func masked(_ text: String, everywhere: Bool = false) -> String {
        guard text.contains("@") else { return text }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            let scheme = word.range(of: "://")
            guard let at = word.lastIndex(of: "@"), scheme != nil || everywhere else { return String(word) }
            return (scheme.map { word[..<$0.upperBound] } ?? "") + mask + word[at...]
        }.joined(separator: ",")
    }
}
