package import NIOCore

/// A task for an agent, as a client asked for it.
package struct TaskRequest: Sendable {
    package enum Input: Sendable {
        /// The body of an HTTP request, not yet parsed: `{"query", "parameters", "context", "task_type", "priority"}`.
        case body(ByteBuffer)
        /// The body of a request to an endpoint that takes any JSON: not parsed, and not in the envelope of `body`.
        case document(ByteBuffer)
        /// A query string; `parameters`, all of it but `query`, is a JSON object, encoded.
        case query(String, parameters: ByteBuffer)
        /// The parts of a WebSocket `agent_request`; `parameters` is a JSON object, encoded.
        case call(query: String, parameters: ByteBuffer?)
    }

    /// Position of the agent in the host, from 0.
    package var agent: Int
    package var taskType: String
    package var input: Input
    package var context: RequestContext

    package init(agent: Int, taskType: String, input: Input, context: RequestContext = .none) {
        self.agent = agent
        self.taskType = taskType
        self.input = input
        self.context = context
    }
}

/// What became of a task.
package struct TaskOutcome: Sendable {
    /// UUID of the task; empty when the request was refused before there was one.
    package var taskID: String
    /// JSON of the result.
    package var result: Result<ByteBuffer, TaskFailure>
    /// Seconds from the request to the result.
    package var processingTime: Double

    package init(taskID: String, result: Result<ByteBuffer, TaskFailure>, processingTime: Double) {
        self.taskID = taskID
        self.result = result
        self.processingTime = processingTime
    }
}
