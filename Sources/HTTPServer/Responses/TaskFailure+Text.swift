import AgentModel

extension TaskFailure {
    /// For people: the `error` of an `agent_response`, and what `detail` is made of.
    var text: String {
        switch self {
        case .invalidJSON(let message, let offset): "JSON decode error: \(message) at byte \(offset)"
        case .invalidUTF8: "The body is not UTF-8"
        case .invalid(let issues):
            issues.map { "\($0.location.joined(separator: ".")): \($0.message)" }.joined(separator: "; ")
        case .failed(let message): message
        case .timedOut(let seconds): "Task timed out after \(JSONValue.number(seconds)) s"
        case .queueFull: "Too many tasks are waiting"
        case .unavailable: "The service is not accepting tasks"
        case .unknownTask(let text): text
        }
    }
}
