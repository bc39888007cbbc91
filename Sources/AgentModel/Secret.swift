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

    /// `text` with what may be secret in every URL of it replaced by the mask: user information, the values of a query,
    /// a fragment. `http://user:pw@host/a?token=x&b` becomes `http://****@host/a?token=****&b`.
    ///
    /// A password may itself hold an "@" or a "/" that its author forgot to encode, so everything up to the last "@" of
    /// a word is taken for user information: better to hide too much. For the same reason every value of a query is
    /// hidden, whatever its name.
    /// - Parameter everywhere: whether a word without a scheme, such as `user:pw@host`, is masked too.
    package static func masked(_ text: String, everywhere: Bool = false) -> String {
        guard text.contains(where: { "@?#".contains($0) }) else { return text }
        // A comma separates the items of a list, and may also stand within a URL.
        var words: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            if let last = words.last, last.contains("://"), !part.contains("://") {
                words[words.count - 1] += "," + part
            } else {
                words.append(String(part))
            }
        }
        return words.map { masked(word: $0, everywhere: everywhere) }.joined(separator: ",")
    }

    private static func masked(word: String, everywhere: Bool) -> String {
        let scheme = word.firstRange(of: "://")
        guard scheme != nil || everywhere else { return word }
        let begin = word[..<(scheme?.upperBound ?? word.startIndex)]
        let rest = word[begin.endIndex...]
        if let at = rest.lastIndex(of: "@") {
            // Where the query begins is not sure, so what is behind it is hidden as a whole.
            let host = rest[at...].prefix { !"?#&=".contains($0) }
            return begin + mask + host + (host.endIndex < rest.endIndex ? mask : "")
        }
        let address = rest.prefix { !"?#".contains($0) }
        return begin + address + (address.endIndex < rest.endIndex ? maskedQuery(rest[address.endIndex...]) : "")
    }

    /// A query with its mark, a fragment, or both.
    private static func maskedQuery(_ text: Substring) -> String {
        let query = text.prefix { $0 != "#" }
        let parameters = query.dropFirst().split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            parameter.firstIndex(of: "=").map { parameter[...$0] + mask } ?? String(parameter)
        }
        return query.prefix(1) + parameters.joined(separator: "&") + (query.endIndex < text.endIndex ? "#" + mask : "")
    }
}
