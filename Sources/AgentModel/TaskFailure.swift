/// Why a task has no result.
package enum TaskFailure: Error, Sendable {
    /// The body is not JSON: what is wrong and at which byte.
    case invalidJSON(message: String, offset: Int)
    /// The body is not UTF-8.
    case invalidUTF8
    /// The body is JSON of the wrong shape.
    case invalid([ValidationIssue])
    /// The handler raised an error: its message, with file and line.
    case failed(String)
    /// The handler answered with a status of 400 or more; `detail` says why.
    case answered(status: Int, detail: String)
    /// Past `TASK_TIMEOUT`.
    case timedOut(seconds: Double)
    /// `MAX_CONCURRENT_TASKS` are running and `MAX_QUEUED_TASKS` wait.
    case queueFull
    /// What it was to send was not even queued: too much waits for the broker.
    case overloaded(String)
    /// No version of the agent is in service yet.
    case starting
    case stopping
    /// The version of the script that ran it was closed before it had ended.
    case versionClosed
    /// `known`: the types there are.
    case unknownTask(String, known: [String])
}

extension TaskFailure: CustomStringConvertible {
    /// For people, the same wherever the failure shows: in an answer, an event, a log line, a script.
    package var description: String {
        switch self {
        case .invalidJSON(let message, let offset): "JSON decode error: \(message) at byte \(offset)"
        case .invalidUTF8: "There was an error parsing the body"
        case .invalid(let issues):
            issues.map { "\($0.location.map(\.description).joined(separator: ".")): \($0.message)" }
                .joined(separator: "; ")
        case .failed(let message): message
        case .answered(_, let detail): detail
        case .timedOut(let seconds): "Task timed out after \(Self.text(seconds)) s"
        case .queueFull: "Too many tasks are waiting"
        case .overloaded(let reason): reason
        case .starting: "The service is starting"
        case .stopping: "The service is stopping"
        case .versionClosed: "The version of the script that ran it was closed"
        case .unknownTask(let type, let known):
            known.isEmpty
                ? "Unknown task type: \(type); there are none"
                : "Unknown task type: \(type); one of \(known.sorted().joined(separator: ", "))"
        }
    }

    /// The same for a client, without the places in the script's files that stand in an error of a handler.
    package func withoutPlaces(in files: some Sequence<String>) -> TaskFailure {
        guard case .failed(let message) = self else { return self }
        return .failed(ScriptPlaces.removed(from: message, files: files))
    }

    /// "300", "0.5": seconds without a fraction that says nothing.
    package static func text(_ seconds: Double) -> String {
        Int64(exactly: seconds).map(String.init) ?? "\(seconds)"
    }
}
