/// Which web pages may talk to this server (contract section 4).
struct OriginPolicy {
    private let allowsAll: Bool
    private let allowed: Set<String>

    init(_ origins: [String]) {
        allowsAll = origins.contains("*")
        allowed = Set(origins.map(Self.normalized))
    }

    /// The value of `Access-Control-Allow-Origin` for a page of the origin; nil when it is not allowed.
    func accessControl(for origin: String) -> String? {
        if allowsAll { return "*" }
        return allowed.contains(Self.normalized(origin)) ? origin : nil
    }

    /// Whether what is allowed depends on who asks, which caches must know.
    var varies: Bool { !allowsAll && !allowed.isEmpty }

    /// A WebSocket may be opened from anywhere without an origin (it is no browser), from the host itself, from
    /// loopback to loopback, and from the origins allowed. `host` is the `Host` field.
    func allowsUpgrade(origin: String?, host: String) -> Bool {
        guard let origin else { return true }
        if accessControl(for: origin) != nil { return true }
        guard let page = Authority(origin: origin) else { return false }
        let server = Authority(text: host)
        if page.host == server.host, (page.port ?? page.defaultPort) == (server.port ?? page.defaultPort) {
            return true
        }
        return page.isLoopback && server.isLoopback
    }

    private static func normalized(_ origin: String) -> String {
        let lower = origin.lowercased()
        return lower.hasSuffix("/") ? String(lower.dropLast()) : lower
    }

    private struct Authority {
        var host: String
        var port: Int?
        var defaultPort: Int?

        init(text: String) {
            let text = text.lowercased()
            let afterAddress = text.lastIndex(of: "]") ?? text.startIndex
            if let colon = text[afterAddress...].lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) {
                host = String(text[..<colon])
                self.port = port
            } else {
                host = text
            }
        }

        init?(origin: String) {
            let origin = OriginPolicy.normalized(origin)
            for (scheme, port) in [("http://", 80), ("https://", 443)] where origin.hasPrefix(scheme) {
                self.init(text: String(origin.dropFirst(scheme.count)))
                defaultPort = port
                return
            }
            return nil
        }

        var isLoopback: Bool {
            if host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }
}
