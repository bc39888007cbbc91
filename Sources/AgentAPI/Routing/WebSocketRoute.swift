import AgentModel

/// A WebSocket endpoint.
final class WebSocketRoute {
    let path: RoutePath
    /// Topics, in which `{name}` stands for a parameter of the path.
    let autoSubscribe: [String]
    /// In order of preference.
    let subprotocols: [String]
    let isRaw: Bool
    /// Whether its clients receive every event, whatever they subscribed to.
    let receivesEveryEvent: Bool

    init(
        path: RoutePath, autoSubscribe: [String], subprotocols: [String] = [], isRaw: Bool, receivesEveryEvent: Bool
    ) {
        self.path = path
        self.autoSubscribe = autoSubscribe
        self.subprotocols = subprotocols
        self.isRaw = isRaw
        self.receivesEveryEvent = receivesEveryEvent
    }

    /// The endpoint's first subprotocol that the client offers, `offers` being its `Sec-WebSocket-Protocol` fields.
    func subprotocol(among offers: [String]) -> String? {
        guard !subprotocols.isEmpty, !offers.isEmpty else { return nil }
        var offered: Set<String> = []
        for name in offers.joined(separator: ",").split(separator: ",") {
            offered.insert(name.filter { $0 != " " && $0 != "\t" })
        }
        return subprotocols.first { offered.contains($0) }
    }
}
