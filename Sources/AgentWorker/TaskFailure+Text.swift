import AgentModel

extension TaskFailure {
    /// For people.
    package var text: String {
        switch self {
        case .invalidJSON(let message, let offset): "invalid JSON at byte \(offset): \(message)"
        case .invalidUTF8: "the body is not UTF-8"
        case .invalid(let issues):
            issues.map { "\($0.location.joined(separator: ".")): \($0.message)" }.joined(separator: "; ")
        case .failed(let message): message
        case .timedOut(let seconds): "the task took longer than \(seconds) s"
        case .queueFull: "too many tasks are waiting"
        case .unavailable: "the host is starting or stopping"
        case .unknownTask(let type): "no task \"\(type)\""
        }
    }
}
