package import AgentModel

/// What runs, for messages that name it. Put into words only when one is written.
package enum HandlerName: CustomStringConvertible {
    case message(topic: String)
    /// `id`: the task's, which its events carry as their correlation id.
    case task(String, id: RandomUUID)
    case event(String, id: String, correlation: String?)
    /// `message`: the `message_id` that the client gave it.
    case websocket(String, message: String)
    /// A function of a raw endpoint, and the endpoint's path.
    case raw(StaticString, path: String)
    /// `on_start`, `agent:every` and other functions without a name of their own.
    case function(StaticString)
    /// A function that a handler spawned.
    indirect case spawned(by: HandlerName?)

    /// The name of what a handler spawns: whoever spawned that one is the cause, over however many steps.
    static func spawned(in handler: HandlerName?) -> HandlerName {
        if case .spawned = handler { handler ?? .spawned(by: nil) } else { .spawned(by: handler) }
    }

    package var description: String {
        switch self {
        case .message(let topic): "handler of \(topic)"
        case .task(let type, _): "task \(type)"
        case .event(let type, _, _): "handler of event \(type)"
        case .websocket(let type, _): "WebSocket handler of \(type)"
        case .raw(let function, let path): "\(function) of \(path)"
        case .function(let name): "\(name)"
        case .spawned: "spawned function"
        }
    }
}
