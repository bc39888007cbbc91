extension IPAddress {
    /// Whether the address is of the network's own machinery, which trusts whoever can reach it: link-local addresses
    /// (RFC 3927, RFC 4291 section 2.5.6), among them those at which clouds hand out a machine's credentials, and the
    /// addresses outside of that range that serve the same end.
    package var isLinkLocalOrMetadata: Bool {
        if bytes.count == 4 { return bytes.starts(with: [169, 254]) || Self.metadata.contains(description) }
        return bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || Self.metadata.contains(description)
    }

    /// Alibaba Cloud, Azure, Oracle Cloud; then AWS and Google Cloud over IPv6.
    private static let metadata: Set<String> = [
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
    ]
}
