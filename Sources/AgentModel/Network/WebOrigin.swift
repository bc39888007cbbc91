/// Where a web page is from: scheme, host and port, and nothing more (RFC 6454 section 6.2).
///
/// Two that mean the same are equal: capital letters, a slash at the end and the scheme's own port make no difference.
/// `null`, which every sandboxed page and every file sends, is the origin of nobody.
package struct WebOrigin: Hashable, Sendable, CustomStringConvertible {
    package let scheme: String
    package let authority: Authority

    package init?(_ text: some StringProtocol) {
        let text = text.hasSuffix("/") ? String(text.dropLast()) : String(text)
        guard let separator = text.firstRange(of: "://") else { return nil }
        scheme = text[..<separator.lowerBound].lowercased()
        guard scheme.utf8.first.map(Self.isLetter) == true, scheme.utf8.allSatisfy(Self.isSchemeByte),
            let authority = Authority(text[separator.upperBound...])
        else { return nil }
        self.authority = authority
    }

    /// The port, also when it is the scheme's own and not said.
    package var port: Int? { authority.port ?? Self.defaultPort(of: scheme) }

    /// Whether a page of this machine has it, by `http` or `https`.
    package var isLoopback: Bool { Self.defaultPort(of: scheme) != nil && authority.isLoopback }

    /// As browsers send it.
    package var description: String {
        let host = authority.host.contains(":") ? "[\(authority.host)]" : authority.host
        let port = authority.port.flatMap { $0 == Self.defaultPort(of: scheme) ? nil : ":\($0)" } ?? ""
        return "\(scheme)://\(host)\(port)"
    }

    package static func == (left: WebOrigin, right: WebOrigin) -> Bool {
        left.scheme == right.scheme && left.authority.host == right.authority.host && left.port == right.port
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(authority.host)
        hasher.combine(port)
    }

    /// Of a page's scheme; nil: not one of the web.
    package static func defaultPort(of scheme: String) -> Int? {
        switch scheme {
        case "http": 80
        case "https": 443
        default: nil
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.".utf8.contains(byte)
    }
}
