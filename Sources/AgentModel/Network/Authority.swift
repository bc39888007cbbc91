/// `host[:port]` as it stands in a `Host` field, an origin and a URL (RFC 3986 section 3.2), read strictly: nothing that
/// two readers could understand in two ways is one.
package struct Authority: Hashable, Sendable {
    /// In lower case; an address of IPv6 in its shortest form and without brackets.
    package let host: String
    /// nil: that of the scheme.
    package let port: Int?
    /// nil: `host` is a name.
    package let address: IPAddress?

    package init?(_ text: some StringProtocol) {
        let text = String(text).lowercased()
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), let address = IPAddress(text[..<end].dropFirst()),
                text[..<end].contains(":")
            else { return nil }
            host = address.description
            self.address = address
            rest = text[text.index(after: end)...]
        } else {
            let name = text.prefix { $0 != ":" }
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { return nil }
            host = String(name)
            address = IPAddress(name.hasSuffix(".") ? name.dropLast() : name)
            rest = text[name.endIndex...]
        }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", (1...5).contains(digits.utf8.count),
                digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(digits), number <= 65_535
            else { return nil }
            port = number
        }
    }

    /// The host without the dot at its end that makes a name absolute.
    package var name: Substring { host.hasSuffix(".") ? host.dropLast() : host[...] }

    /// Whether the host is this machine, whatever a name server says (RFC 6761 section 6.3).
    package var isLoopback: Bool {
        address.map(\.isLoopback) ?? (name == "localhost" || name.hasSuffix(".localhost"))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
