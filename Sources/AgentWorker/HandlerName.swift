/// What runs, for messages that name it. Put into words only when one is written.
enum HandlerName: CustomStringConvertible {
    case message(topic: String)
    case task(String)
    case event(String)
    case websocket(String)
    /// A function of a raw endpoint, and the endpoint's path.
    case raw(StaticString, path: String)
    /// `on_start`, `agent:every` and other functions without a name of their own.
    case function(StaticString)

    var description: String {
        switch self {
        case .message(let topic): "handler of \(topic)"
        case .task(let type): "task \(type)"
        case .event(let type): "handler of event \(type)"
        case .websocket(let type): "WebSocket handler of \(type)"
        case .raw(let function, let path): "\(function) of \(path)"
        case .function(let name): "\(name)"
        }
    }
}
