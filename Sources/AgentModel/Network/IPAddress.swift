package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An IPv4 or IPv6 address. One of IPv4 that is written as one of IPv6 is the IPv4 address: both reach the same machine.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// In network order: 4 of IPv4, 16 of IPv6.
    package let bytes: [UInt8]

    private init(_ bytes: [UInt8]) {
        // IPv4-mapped (RFC 4291 section 2.5.5.2), IPv4-compatible (section 2.5.5.1) and NAT64 (RFC 6052 section 2.1).
        let holdsIPv4 =
            bytes.count == 16
            && (bytes.starts(with: Self.mapped) || bytes.starts(with: Self.translated)
                || bytes.starts(with: Self.compatible) && bytes[12...] != [0, 0, 0, 0] && bytes[12...] != [0, 0, 0, 1])
        self.bytes = holdsIPv4 ? Array(bytes[12...]) : bytes
    }

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    private static let compatible = [UInt8](repeating: 0, count: 12)
    private static let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]

    /// Four decimal numbers, or the notation of IPv6 without brackets; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes)
        } else if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(Array(bytes[..<4]))
        } else {
            return nil
        }
    }

    /// Also the forms of IPv4 that resolvers take for addresses: `2130706433`, `0x7f.1`, `0177.0.0.1` (inet_aton(3)).
    package init?(asResolved text: String) {
        if let strict = IPAddress(text) {
            self = strict
            return
        }
        guard !text.utf8.contains(0) else { return nil }
        var address = in_addr()
        guard inet_aton(text, &address) != 0 else { return nil }
        self.init(withUnsafeBytes(of: address.s_addr) { Array($0) })
    }

    /// nil for the address of a socket that is none of IP.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        // A link-local address has its interface behind a `%`.
        self.init(text.prefix { $0 != "%" })
    }

    package var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let length = text.count
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(length)) != nil else {
            return ""
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
