/// A WebSocket endpoint.
final class WebSocketRoute {
    let path: String
    let autoSubscribe: [String]
    let isRaw: Bool
    /// Whether its clients receive every event, whatever they subscribed to.
    let receivesEveryEvent: Bool

    init(path: String, autoSubscribe: [String], isRaw: Bool, receivesEveryEvent: Bool) {
        self.path = path
        self.autoSubscribe = autoSubscribe
        self.isRaw = isRaw
        self.receivesEveryEvent = receivesEveryEvent
    }
}
