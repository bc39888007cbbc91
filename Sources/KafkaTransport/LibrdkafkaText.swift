internal import AgentModel

/// librdkafka's words for a failure, for people.
///
/// It says `127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)`, or
/// `sasl_plaintext://b:9092/1: SASL authentication error: … (after 3ms in state AUTH_REQ, 2 identical error(s) suppressed)`.
enum LibrdkafkaText {
    /// Whose certificate was not accepted; nil: the text tells of something else.
    static func certificates(_ text: String) -> String? {
        guard let scheme = text.range(of: "ssl://") else { return nil }
        return TLSFailureText.of(
            text, peer: String(text[scheme.upperBound...].prefix { $0 != "/" }), prefix: "KAFKA_SSL_")
    }

    static func plain(_ text: String) -> String {
        if let words = certificates(text) { return words }
        var text = text
        if text.hasSuffix(")"), let tail = text.range(of: " (after ", backwards: true) {
            text.removeSubrange(tail.lowerBound...)
        }
        if let action = text.range(of: "Connect to "), let failed = text.range(of: " failed: ") {
            let address = text[action.upperBound..<failed.lowerBound]
            let place = address.firstIndex(of: "#").map { address[address.index(after: $0)...] } ?? address
            return "no connection to \(place): \(text[failed.upperBound...].lowercased())"
        }
        if let resolved = text.range(of: "Failed to resolve '") {
            let rest = text[resolved.upperBound...]
            return "no address is known for '\(rest.prefix { $0 != "'" })'"
        }
        return text.replacingFirst("/bootstrap: ", with: ": ")
    }
}

extension String {
    /// Where the words stand, the first or the last time; without Foundation.
    fileprivate func range(of words: String, backwards: Bool = false) -> Range<Index>? {
        var found: Range<Index>?
        var begin = startIndex
        while begin < endIndex {
            if self[begin...].hasPrefix(words) {
                found = begin..<index(begin, offsetBy: words.count)
                if !backwards { return found }
            }
            begin = index(after: begin)
        }
        return found
    }

    fileprivate func replacingFirst(_ words: String, with other: String) -> String {
        guard let range = range(of: words) else { return self }
        return String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
