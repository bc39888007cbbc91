package import AgentModel
import HTTP1
import NIOCore
import Realtime

/// Which paths the agents of a host answer at. Built whole for every version of the scripts, then never changed.
package final class RouteTable {
    let agents: [AgentInterface]
    /// Open addressing, a power of two in size, at most half full.
    private var slots: [(path: [UInt8], routes: PathRoutes)?] = Array(repeating: nil, count: 64)
    private var count = 0
    private let tree = RouteTree()
    private var hasParameters = false
    /// `/realtime/topic/` and `/stream/topic/`, whose rest is a topic.
    private var prefixes: [String] = []

    private static let host = "the host"
    private static let elsewhere = "; take another path"

    /// Throws when two agents have one name, two routes the same method and path, or a path cannot be served.
    init(_ agents: [AgentInterface]) throws(RouteClash) {
        self.agents = agents
        try addBuiltIn(
            isRealtime: agents.contains(where: \.isRealtime),
            hasWebSockets: agents.contains { $0.isRealtime && $0.websocketEnabled })
        for (position, agent) in agents.enumerated() {
            if let other = agents[..<position].first(where: { $0.name == agent.name }) {
                let places = [agent.location, other.location].filter { !$0.isEmpty }.joined(separator: ", and ")
                throw RouteClash(
                    (places.isEmpty ? "" : places + ": ")
                        + "two agents are named \"\(agent.name)\", by which the status routes tell them apart; "
                        + "give one of them another name = \"…\"")
            }
            try add(agent, at: position)
        }
    }

    /// Checks that the agents can be served together, without serving them.
    package static func validate(_ agents: [AgentInterface]) throws(RouteClash) {
        _ = try RouteTable(agents)
    }

    /// What answers at a path as it was sent. Literal paths go before those with parameters, and the first that
    /// `isWanted` takes is meant.
    func find(_ path: UnsafeRawBufferPointer, _ isWanted: (PathRoutes) -> Bool) -> RouteFinding {
        var others: [PathRoutes] = []
        if let routes = exact(path) {
            if isWanted(routes) { return .match(RouteMatch(routes: routes)) }
            others.append(routes)
        } else if path.contains(UInt8(ascii: "%")), var decoded = PercentEncoding.decoded(path),
            let routes = decoded.withUTF8({ exact(UnsafeRawBufferPointer($0)) })
        {
            if isWanted(routes) { return .match(RouteMatch(routes: routes)) }
            others.append(routes)
        }
        if hasParameters, let match = tree.find(path, isWanted: isWanted, others: &others) { return .match(match) }
        return others.isEmpty ? .nothing : .others(others)
    }

    /// What answers at the request's path, to its method or its upgrade to WebSocket.
    func find(_ head: RequestHead) -> RouteFinding {
        let method = head.method
        let isGet = method == .get
        return head.withPath { path in
            if isGet, head.saysUpgrade, case .match(let match) = find(path, { $0.webSocket != nil }) {
                return .match(match)
            }
            return find(path) { $0.target(method) != nil || isGet && $0.webSocket != nil }
        }
    }

    /// As Starlette redirects: where the path without slashes at its end, or with one, has a route, whatever its method.
    func redirection(of head: RequestHead) -> String? {
        let other = head.withPath { path -> [UInt8] in
            guard path.last == UInt8(ascii: "/") else { return path + [UInt8(ascii: "/")] }
            let end = path.lastIndex { $0 != UInt8(ascii: "/") } ?? path.startIndex
            return Array(path[...end])
        }
        // Without a host before it, two slashes at the beginning would be one.
        guard other.count > 1, other[1] != UInt8(ascii: "/") || head.host != nil,
            case .match = other.withUnsafeBytes({ find($0) { !$0.targets.isEmpty } })
        else { return nil }
        return head.location(of: other)
    }

    private func exact(_ path: UnsafeRawBufferPointer) -> PathRoutes? {
        var slot = Self.hash(path)
        while let entry = slots[slot & (slots.count - 1)] {
            if entry.path.count == path.count, entry.path.elementsEqual(path) { return entry.routes }
            slot &+= 1
        }
        return nil
    }

    /// FNV-1a: paths are short, and they are the host's own, so nobody can choose them to collide.
    static func hash(_ path: some Sequence<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }

    // MARK: Building

    private func addBuiltIn(isRealtime: Bool, hasWebSockets: Bool) throws(RouteClash) {
        var routes: [(RequestMethod, String, RouteTarget)] = [
            (.get, "/", .root), (.get, "/health", .health), (.get, "/capabilities", .capabilities),
            (.get, "/metrics", .metrics), (.get, Probe.livez.rawValue, .probe(.livez)),
            (.get, Probe.readyz.rawValue, .probe(.readyz)),
        ]
        if isRealtime {
            routes += [
                (.get, "/realtime/status", .realtimeStatus), (.get, "/realtime/connections", .realtimeConnections),
                (.post, "/realtime/broadcast", .broadcast), (.get, "/stream/events", .eventStream),
            ]
            let message = try parsed("/realtime/topic/{topic:path}", Self.host)
            let stream = try parsed("/stream/topic/{topic:path}", Self.host)
            routes.append((.post, message.text, .topicMessage(message)))
            routes.append((.get, stream.text, .topicStream(stream, topic: "{topic}")))
            for path in [message, stream] { prefixes.append(String(path.text.prefix { $0 != "{" })) }
        }
        for (method, path, target) in routes {
            try add(method, try parsed(path, Self.host), target, owner: Self.host)
        }
        guard hasWebSockets else { return }
        let endpoints = [("/ws", [String]()), ("/ws/events", [StreamKey.eventsTopic])]
        for (path, topics) in endpoints {
            let route = WebSocketRoute(
                path: try parsed(path, Self.host), autoSubscribe: topics, isRaw: false, receivesEveryEvent: true)
            try add(route, owner: Self.host)
        }
    }

    private func add(_ agent: AgentInterface, at position: Int) throws(RouteClash) {
        // Where its script declares it, as it is for people to mend.
        let owner = agent.location.isEmpty ? "agent \(agent.name)" : "\(agent.location): agent \(agent.name)"
        for endpoint in agent.endpoints {
            let method = RequestMethod(rawValue: endpoint.method) ?? .other
            guard ![.other, .head, .options].contains(method) else {
                throw RouteClash("\(owner): \(endpoint.path): method \(endpoint.method) cannot be served")
            }
            let path = try parsed(endpoint.path, owner)
            let route = TaskRoute(agent: position, endpoint: endpoint, path: path, interface: agent)
            try add(method, path, .task(route), owner: owner)
        }
        for folder in agent.staticFolders {
            let mount = FileMount(folder)
            for path in [folder.path, "\(folder.path)/{file:path}"] {
                let owner = "\(owner) (static)"
                try add(.get, try parsed(path, owner), .files(mount), owner: owner)
            }
        }
        guard agent.isRealtime else { return }
        for endpoint in agent.streamingEndpoints {
            let path = try parsed(endpoint.path, owner)
            try add(.get, path, .topicStream(path, topic: endpoint.topic), owner: owner)
        }
        guard agent.websocketEnabled else { return }
        for endpoint in agent.websocketEndpoints {
            let route = WebSocketRoute(
                path: try parsed(endpoint.path, owner), autoSubscribe: endpoint.autoSubscribe,
                subprotocols: endpoint.subprotocols, isRaw: endpoint.isRaw, receivesEveryEvent: false)
            try add(route, owner: owner)
        }
    }

    private func parsed(_ path: String, _ owner: String) throws(RouteClash) -> RoutePath {
        do throws(RoutePath.Fault) {
            return try RoutePath(path)
        } catch {
            throw RouteClash("\(owner): path \"\(path)\" \(error)")
        }
    }

    private func add(
        _ method: RequestMethod, _ path: RoutePath, _ target: RouteTarget, owner: String
    ) throws(RouteClash) {
        let routes = try routes(at: path, owner: owner)
        if let other = routes.add(method, target, owner: owner) {
            throw Self.clash(method.rawValue, path, routes.path, owner, other)
        }
    }

    private func add(_ route: WebSocketRoute, owner: String) throws(RouteClash) {
        let routes = try routes(at: route.path, owner: owner)
        if let other = routes.add(route, owner: owner) {
            throw Self.clash("WebSocket", route.path, routes.path, owner, other)
        }
    }

    private static func clash(
        _ what: String, _ path: RoutePath, _ earlier: RoutePath, _ owner: String, _ other: String
    ) -> RouteClash {
        let name = path == earlier ? "" : " as \(earlier.text)"
        return owner == other
            ? RouteClash("\(owner): \(what) \(path.text) is declared twice\(name)")
            : RouteClash(
                "\(owner): \(what) \(path.text) is already served by \(other)\(name)\(other == host ? elsewhere : "")")
    }

    private func routes(at path: RoutePath, owner: String) throws(RouteClash) -> PathRoutes {
        if owner != Self.host, let prefix = prefixes.first(where: { path.text.hasPrefix($0) }) {
            throw RouteClash(
                "\(owner): \(path.text) is already served by \(Self.host) as \(prefix){topic}\(Self.elsewhere)")
        }
        if path.hasParameters {
            hasParameters = true
            return tree.routes(at: path, takesEmptyRest: owner != Self.host)
        }
        let bytes = Array(path.text.utf8)
        if let routes = bytes.withUnsafeBytes(exact) { return routes }
        let routes = PathRoutes(path: path)
        count += 1
        if count * 2 > slots.count {
            let old = slots
            slots = Array(repeating: nil, count: old.count * 2)
            for entry in old.compactMap(\.self) { place(entry) }
        }
        place((bytes, routes))
        return routes
    }

    private func place(_ entry: (path: [UInt8], routes: PathRoutes)) {
        var slot = Self.hash(entry.path)
        while slots[slot & (slots.count - 1)] != nil { slot &+= 1 }
        slots[slot & (slots.count - 1)] = entry
    }
}
