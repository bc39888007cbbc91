/// The parts of a URL or of a relative reference (RFC 3986 section 3, appendix B), as they stand in it.
package struct URLParts: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// In lower case.
    package let scheme: String?
    /// Percent-decoded.
    package let user: String?
    /// Percent-decoded.
    package let password: String?
    /// In lower case; an address of IPv6 without brackets; empty where the authority is ("file:///etc").
    package let host: String?
    /// nil: that of the scheme.
    package let port: Int?
    package let path: String
    package let query: String?
    package let fragment: String?

    package init(_ text: String) throws(Failure) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Failure(description: "a URL has no spaces, no control characters and no letters beyond ASCII")
        }
        var rest = text[...]
        fragment = Self.cut(&rest, at: "#")
        query = Self.cut(&rest, at: "?")
        if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") {
            let name = rest[..<colon]
            guard Self.isScheme(name) else {
                throw Failure(description: "\"\(name)\" before the colon is no scheme such as https")
            }
            scheme = name.lowercased()
            rest = rest[rest.index(after: colon)...]
        } else {
            scheme = nil
        }
        guard rest.hasPrefix("//") else {
            (user, password, host, port) = (nil, nil, nil, nil)
            path = String(rest)
            return
        }
        let authority = rest.dropFirst(2).prefix { $0 != "/" }
        path = String(rest[authority.endIndex...])
        let place: Substring
        if let at = authority.lastIndex(of: "@") {
            var credentials = authority[..<at]
            let secret = Self.cut(&credentials, at: ":")
            guard let user = PercentEncoding.decoded(credentials.utf8),
                let password = secret.map({ PercentEncoding.decoded($0.utf8) }) ?? .some("")
            else { throw Failure(description: "the user or the password before the @ is not percent-encoded") }
            self.user = user
            self.password = secret == nil ? nil : password
            place = authority[authority.index(after: at)...]
        } else {
            (user, password) = (nil, nil)
            place = authority
        }
        if place.isEmpty {
            (host, port) = ("", nil)
        } else if let read = Authority(place.hasSuffix(":") ? place.dropLast() : place) {
            // RFC 3986 section 3.2.3: a port of no digits is none.
            (host, port) = (read.host, read.port)
        } else {
            throw Failure(description: "\"\(place)\" is no host, or its port is none")
        }
    }

    /// Takes what is behind the first separator away from a text, the separator with it; nil without one.
    private static func cut(_ text: inout Substring, at separator: Character) -> String? {
        guard let index = text.firstIndex(of: separator) else { return nil }
        defer { text = text[..<index] }
        return String(text[text.index(after: index)...])
    }

    private static func isScheme(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, (first | 0x20) >= 0x61, (first | 0x20) <= 0x7A else { return false }
        return name.utf8.allSatisfy { byte in
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || (0x30...0x39).contains(byte)
                || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte)
        }
    }
}
