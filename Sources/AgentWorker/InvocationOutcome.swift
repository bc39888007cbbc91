import AgentModel
import LuaRuntime

/// What a handler came to.
enum InvocationOutcome {
    /// The results are the topmost values of the stack, valid only during the call.
    case returned(LuaStack, Int32)
    /// It raised, or ran out of its limits.
    case failed(LuaError)
    /// Past its time limit while it waited.
    case timedOut
    /// Its version was closed while it waited.
    case ended
    /// The host stops, and could not wait longer.
    case cutOff
}

extension InvocationOutcome {
    /// The handler has come to its end by itself: nothing of it runs any more.
    var isOfItself: Bool {
        switch self {
        case .returned, .failed: true
        case .timedOut, .ended, .cutOff: false
        }
    }

    /// What went wrong, in the words that a client, a dead letter, an event and the log all have; nil for nothing.
    /// `limit` is the handler's, in seconds.
    func failure(of handler: HandlerName, limit: Double) -> String? {
        switch self {
        case .returned: nil
        case .failed(let error): error.message
        case .timedOut: "The \(handler) timed out after \(TaskFailure.text(limit)) s"
        case .ended: "The version of the script that ran the \(handler) was closed"
        case .cutOff: TaskFailure.stopping.description
        }
    }
}
