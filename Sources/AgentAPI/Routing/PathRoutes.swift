import AgentModel
import HTTP1

/// Everything that answers at one path, or at all paths of one shape.
final class PathRoutes {
    /// As it was declared first.
    let path: RoutePath
    /// Whether `{name:path}` at the end may stand for nothing.
    let takesEmptyRest: Bool
    private(set) var targets: [(method: RequestMethod, target: RouteTarget)] = []
    private(set) var webSocket: WebSocketRoute?
    /// Those of the loop whose table this is in, once a request has come.
    var figures: RouteFigures?
    /// Who declared the route of a method, for messages about clashes.
    private var owners: [String: String] = [:]

    init(path: RoutePath, takesEmptyRest: Bool = true) {
        self.path = path
        self.takesEmptyRest = takesEmptyRest
    }

    /// The target of a method; `HEAD` is answered wherever `GET` is.
    func target(_ method: RequestMethod) -> RouteTarget? {
        let method = method == .head ? .get : method
        for entry in targets where entry.method == method { return entry.target }
        return nil
    }

    /// The methods that are answered, for `Allow`.
    var methods: [String] {
        var methods = targets.map(\.method.rawValue)
        if webSocket != nil, !methods.contains("GET") { methods.insert("GET", at: 0) }
        if let get = methods.firstIndex(of: "GET"), target(.get) != nil { methods.insert("HEAD", at: get + 1) }
        return methods
    }

    /// Returns the owner of the route that is already there.
    func add(_ method: RequestMethod, _ target: RouteTarget, owner: String) -> String? {
        if let other = owners[method.rawValue] { return other }
        owners[method.rawValue] = owner
        targets.append((method, target))
        return nil
    }

    /// Returns the owner of the endpoint that is already there.
    func add(_ route: WebSocketRoute, owner: String) -> String? {
        if let other = owners["WebSocket"] { return other }
        owners["WebSocket"] = owner
        webSocket = route
        return nil
    }
}
