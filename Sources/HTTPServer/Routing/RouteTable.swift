package import AgentModel
import NIOCore

/// Which paths the agents of a host answer at. Built whole for every version of the scripts, then never changed.
package final class RouteTable {
    let agents: [AgentInterface]
    /// Open addressing, a power of two in size, at most half full.
    private var slots: [PathRoutes?] = Array(repeating: nil, count: 64)
    private var count = 0
    /// `/realtime/topic/` and `/stream/topic/`, whose rest is a topic.
    private var prefixes: [PathRoutes] = []

    private static let host = "the host"

    /// Throws when two agents have one name, two routes the same method and path, or a path cannot be served.
    init(_ agents: [AgentInterface]) throws(RouteClash) {
        self.agents = agents
        try addBuiltIn(
            isRealtime: agents.contains(where: \.isRealtime),
            hasWebSockets: agents.contains { $0.isRealtime && $0.websocketEnabled })
        for (position, agent) in agents.enumerated() {
            guard !agents[..<position].contains(where: { $0.name == agent.name }) else {
                throw RouteClash("two agents are named \"\(agent.name)\"; the status routes tell agents apart by name")
            }
            try add(agent, at: position)
        }
    }

    /// Checks that the agents can be served together, without serving them.
    package static func validate(_ agents: [AgentInterface]) throws(RouteClash) {
        _ = try RouteTable(agents)
    }

    /// What answers at a path as it was sent, and the rest of the path where that is a topic. The rest is nil too when
    /// it is not UTF-8.
    func find(_ path: UnsafeRawBufferPointer) -> (routes: PathRoutes, rest: String?)? {
        if let routes = exact(path) { return (routes, nil) }
        guard path.contains(UInt8(ascii: "%")) else { return withPrefix(path) }
        if let found = withPrefix(path) { return found }
        guard var decoded = PercentEncoding.decoded(path) else { return nil }
        return decoded.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            return exact(bytes).map { ($0, nil) }
        }
    }

    private func withPrefix(_ path: UnsafeRawBufferPointer) -> (routes: PathRoutes, rest: String?)? {
        for routes in prefixes where path.count > routes.path.count && path.starts(with: routes.path) {
            let rest = PercentEncoding.decoded(path.dropFirst(routes.path.count))
            return (routes, rest.flatMap { $0.utf8.contains(0) ? nil : $0 })
        }
        return nil
    }

    private func exact(_ path: UnsafeRawBufferPointer) -> PathRoutes? {
        var slot = Self.hash(path)
        while let routes = slots[slot & (slots.count - 1)] {
            if routes.path.count == path.count, routes.path.elementsEqual(path) { return routes }
            slot &+= 1
        }
        return nil
    }

    /// FNV-1a: paths are short, and they are the host's own, so nobody can choose them to collide.
    private static func hash(_ path: some Sequence<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }

    // MARK: Building

    private func addBuiltIn(isRealtime: Bool, hasWebSockets: Bool) throws(RouteClash) {
        var routes: [(RequestMethod, String, RouteTarget)] = [
            (.get, "/", .root), (.get, "/health", .health), (.get, "/capabilities", .capabilities),
            (.get, "/metrics", .metrics),
        ]
        if isRealtime {
            routes += [
                (.get, "/realtime/status", .realtimeStatus), (.get, "/realtime/connections", .realtimeConnections),
                (.post, "/realtime/broadcast", .broadcast), (.get, "/stream/events", .eventStream),
            ]
            prefixes = [
                PathRoutes(path: Array("/realtime/topic/".utf8)), PathRoutes(path: Array("/stream/topic/".utf8)),
            ]
            _ = prefixes[0].add(.post, .topicMessage, owner: Self.host)
            _ = prefixes[1].add(.get, .topicStream(nil), owner: Self.host)
        }
        for (method, path, target) in routes { try add(method, path, target, owner: Self.host) }
        guard hasWebSockets else { return }
        let endpoints = [("/ws", [String]()), ("/ws/events", [StreamKey.eventsTopic])]
        for (path, topics) in endpoints {
            let route = WebSocketRoute(path: path, autoSubscribe: topics, isRaw: false, receivesEveryEvent: true)
            try add(route, owner: Self.host)
        }
    }

    private func add(_ agent: AgentInterface, at position: Int) throws(RouteClash) {
        let owner = "agent \(agent.name)"
        for endpoint in agent.endpoints {
            let method = RequestMethod(rawValue: endpoint.method) ?? .other
            guard ![.other, .head, .options].contains(method) else {
                throw RouteClash("\(owner): \(endpoint.path): method \(endpoint.method) cannot be served")
            }
            let route = TaskRoute(agent: position, endpoint: endpoint, interface: agent)
            try add(method, endpoint.path, .task(route), owner: owner)
        }
        guard agent.isRealtime else { return }
        for endpoint in agent.streamingEndpoints {
            try add(.get, endpoint.path, .topicStream(endpoint.topic), owner: owner)
        }
        guard agent.websocketEnabled else { return }
        for endpoint in agent.websocketEndpoints {
            let route = WebSocketRoute(
                path: endpoint.path, autoSubscribe: endpoint.autoSubscribe, isRaw: endpoint.isRaw,
                receivesEveryEvent: false)
            try add(route, owner: owner)
        }
    }

    private func add(
        _ method: RequestMethod, _ path: String, _ target: RouteTarget, owner: String
    ) throws(RouteClash) {
        if let other = try routes(at: path, owner: owner).add(method, target, owner: owner) {
            throw Self.clash("\(method.rawValue) \(path)", owner, other)
        }
    }

    private func add(_ route: WebSocketRoute, owner: String) throws(RouteClash) {
        if let other = try routes(at: route.path, owner: owner).add(route, owner: owner) {
            throw Self.clash("WebSocket \(route.path)", owner, other)
        }
    }

    private static func clash(_ route: String, _ owner: String, _ other: String) -> RouteClash {
        owner == other
            ? RouteClash("\(owner): \(route) is declared twice")
            : RouteClash("\(owner): \(route) is already served by \(other)")
    }

    private func routes(at path: String, owner: String) throws(RouteClash) -> PathRoutes {
        if let fault = Self.fault(of: path) { throw RouteClash("\(owner): path \"\(path)\" \(fault)") }
        let bytes = Array(path.utf8)
        if let prefix = prefixes.first(where: { bytes.starts(with: $0.path) }) {
            throw RouteClash("\(owner): \(path) is already served by \(Self.host) as \(text(prefix.path)){topic}")
        }
        if let routes = bytes.withUnsafeBytes(exact) { return routes }
        let routes = PathRoutes(path: bytes)
        count += 1
        if count * 2 > slots.count {
            let old = slots
            slots = Array(repeating: nil, count: old.count * 2)
            for routes in old.compactMap(\.self) { place(routes) }
        }
        place(routes)
        return routes
    }

    private func place(_ routes: PathRoutes) {
        var slot = Self.hash(routes.path)
        while slots[slot & (slots.count - 1)] != nil { slot &+= 1 }
        slots[slot & (slots.count - 1)] = routes
    }

    private static func fault(of path: String) -> String? {
        if path.utf8.first != UInt8(ascii: "/") { return "must begin with /" }
        if path.utf8.contains(where: { "?#".utf8.contains($0) }) { return "must not have a query or a fragment" }
        if path.utf8.contains(where: { "{}".utf8.contains($0) }) { return "must not have parameters" }
        if path.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { return "must not have white space" }
        return nil
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
