package import NIOCore

/// A task for an agent, as a client asked for it.
package struct TaskRequest: Sendable {
    package enum Input: Sendable {
        /// The body of an HTTP request, not yet parsed: `{"query", "parameters", "context", "task_type", "priority"}`.
        case body(ByteBuffer)
        /// The body of a request to an endpoint that takes any JSON: not parsed, and not in the envelope of `body`.
        case document(ByteBuffer)
        /// The parts of a WebSocket `agent_request`; `parameters` is a JSON object, encoded.
        case call(query: String, parameters: ByteBuffer?)
    }

    /// Position of the agent in the host, from 0.
    package var agent: Int
    package var taskType: String
    package var input: Input

    package init(agent: Int, taskType: String, input: Input) {
        self.agent = agent
        self.taskType = taskType
        self.input = input
    }
}

/// What became of a task.
package struct TaskOutcome: Sendable {
    /// UUID of the task; empty when the request was refused before there was one.
    package var taskID: String
    /// The type asked for by the body's `task_type`, else the endpoint's.
    package var taskType: String
    /// JSON of the result.
    package var result: Result<ByteBuffer, TaskFailure>
    /// Seconds from the request to the result.
    package var processingTime: Double

    package init(taskID: String, taskType: String, result: Result<ByteBuffer, TaskFailure>, processingTime: Double) {
        self.taskID = taskID
        self.taskType = taskType
        self.result = result
        self.processingTime = processingTime
    }
}

package enum TaskFailure: Error, Sendable {
    /// The body is not JSON: what is wrong and at which byte.
    case invalidJSON(message: String, offset: Int)
    /// The body is not UTF-8.
    case invalidUTF8
    /// The body is JSON of the wrong shape.
    case invalid([ValidationIssue])
    /// The handler raised an error: its message, with file and line.
    case failed(String)
    /// Past `TASK_TIMEOUT`.
    case timedOut(seconds: Double)
    /// `MAX_CONCURRENT_TASKS` are running and `MAX_QUEUED_TASKS` wait.
    case queueFull
    /// The host is starting or stopping.
    case unavailable
    /// No such agent or task type.
    case unknownTask(String)
}

/// One entry of FastAPI's 422 `detail` list.
package struct ValidationIssue: Sendable {
    /// Pydantic's name: `missing`, `string_type`, `dict_type`, …
    package var type: String
    package var location: [String]
    package var message: String
    /// JSON of the offending input.
    package var input: ByteBuffer

    package init(type: String, location: [String], message: String, input: ByteBuffer) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input
    }
}
