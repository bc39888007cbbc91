import AgentModel

/// Which web pages may talk to this server (contract section 4).
struct OriginPolicy {
    private let allowsAll: Bool
    private let allowed: Set<WebOrigin>
    /// Whether pages of the origins allowed may send cookies (`Access-Control-Allow-Credentials`).
    let allowsCredentials: Bool

    init(_ origins: [String], allowsCredentials: Bool = false) {
        allowsAll = origins.contains("*")
        allowed = Set(origins.compactMap { WebOrigin($0) })
        // The Fetch standard (section 3.3.6) has browsers refuse credentials for `*`.
        self.allowsCredentials = allowsCredentials && !allowsAll
    }

    /// The value of `Access-Control-Allow-Origin` for a page of the origin; nil when it is not allowed.
    func accessControl(for origin: String) -> String? {
        if allowsAll { return "*" }
        guard let page = WebOrigin(origin), allowed.contains(page) else { return nil }
        return origin
    }

    /// Whether what is allowed depends on who asks, which caches must know.
    var varies: Bool { !allowsAll && !allowed.isEmpty }

    /// Who may open a WebSocket and who may write: whoever sends no origin, as it is no browser; pages of the server
    /// itself; pages of the origins allowed; and where none are named, pages of this machine at this machine.
    ///
    /// - Parameter host: what the request asks for, the `Host` field or the target's own.
    func admits(origin: String?, host: String?) -> Bool {
        guard let origin else { return true }
        if accessControl(for: origin) != nil { return true }
        guard let page = WebOrigin(origin), let server = host.flatMap({ Authority($0) }) else { return false }
        // A proxy may have taken the encryption off, so the scheme is the page's.
        let port = server.port ?? WebOrigin.defaultPort(of: page.scheme)
        if page.authority.host == server.host, page.port == port { return true }
        return allowed.isEmpty && page.isLoopback && server.isLoopback
    }
}
