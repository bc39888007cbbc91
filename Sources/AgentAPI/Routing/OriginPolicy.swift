import AgentModel

/// Which web pages may talk to this server (contract section 4).
struct OriginPolicy {
    private let allowsAll: Bool
    private let allowed: Set<WebOrigin>
    /// As they were configured, for the advice to who is not among them.
    private let names: [String]
    /// Whether pages of the origins allowed may send cookies (`Access-Control-Allow-Credentials`).
    let allowsCredentials: Bool

    init(_ origins: [String], allowsCredentials: Bool = false) {
        allowsAll = origins.contains("*")
        allowed = Set(origins.compactMap { WebOrigin($0) })
        names = origins
        // The Fetch standard (section 3.3.6) has browsers refuse credentials for `*`.
        self.allowsCredentials = allowsCredentials && !allowsAll
    }

    /// What a page may do.
    enum Admission: Equatable {
        /// A page of the server itself, whom a browser asks nothing.
        case own
        /// A page elsewhere that may call and read, with the value of its `Access-Control-Allow-Origin`.
        case allowed(String)
        case refused
    }

    /// Who may open a WebSocket, write, and read: pages of the server itself; pages of the origins allowed; and where
    /// none are named, pages of this machine at this machine.
    ///
    /// - Parameter host: what the request asks for, the `Host` field or the target's own.
    func admission(of origin: String, at host: String?) -> Admission {
        if allowsAll { return .allowed("*") }
        guard let page = WebOrigin(origin) else { return .refused }
        if allowed.contains(page) { return .allowed(origin) }
        guard let server = host.flatMap({ Authority($0) }) else { return .refused }
        // A proxy may have taken the encryption off, so the scheme is the page's.
        let port = server.port ?? WebOrigin.defaultPort(of: page.scheme)
        if page.authority.host == server.host, page.port == port { return .own }
        return allowed.isEmpty && page.isLoopback && server.isLoopback ? .allowed(origin) : .refused
    }

    /// As `admission`; whoever sends no origin is no browser, and let in.
    func admits(origin: String?, host: String?) -> Bool {
        origin.map { admission(of: $0, at: host) != .refused } ?? true
    }

    /// Whether what a request without an origin is answered depends on that, which caches must know: they would give
    /// the answer, which allows no page to read it, to a page that may. `isLoopback`: of the listener.
    func varies(isLoopback: Bool) -> Bool { !allowsAll && (!allowed.isEmpty || isLoopback) }

    /// Whether it matters who asks.
    var isOpenToAll: Bool { allowsAll }

    /// What lets a page in that was refused: the end of a sentence.
    func advice(for origin: String) -> String {
        guard let page = WebOrigin(origin) else {
            return "it has no origin that ALLOWED_ORIGINS could name, as pages of files and sandboxes have none"
        }
        let names = names.prefix(10).joined(separator: ",")
        let others = names.isEmpty ? "" : self.names.count > 10 ? "\(names),…," : "\(names),"
        return "ALLOWED_ORIGINS=\(others)\(page) lets it in"
    }
}
