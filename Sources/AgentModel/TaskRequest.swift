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
    /// nil when the request was refused before there was a task.
    package let taskID: RandomUUID?
    /// Of a handler that answered in words of HTTP: the whole answer.
    package let answer: TaskAnswer?
    private let plain: Result<ByteBuffer, TaskFailure>
    /// Seconds from the request to the result.
    package var processingTime: Double

    package init(taskID: RandomUUID?, result: Result<ByteBuffer, TaskFailure>, processingTime: Double) {
        self.taskID = taskID
        plain = result
        answer = nil
        self.processingTime = processingTime
    }

    package init(taskID: RandomUUID?, answer: TaskAnswer, processingTime: Double) {
        self.taskID = taskID
        plain = .success(ByteBuffer())
        self.answer = answer
        self.processingTime = processingTime
    }

    /// JSON of the result; what an answer of HTTP means elsewhere is made of it here.
    package var result: Result<ByteBuffer, TaskFailure> { answer?.result ?? plain }

    package var isFailure: Bool {
        if let answer { return answer.isRefusal }
        if case .failure = plain { return true }
        return false
    }

    /// As a client is to see it: an error of the handler without its places in the script.
    package func withoutPlaces(in files: some Sequence<String>) -> TaskOutcome {
        guard answer == nil, case .failure(let failure) = plain else { return self }
        return TaskOutcome(
            taskID: taskID, result: .failure(failure.withoutPlaces(in: files)), processingTime: processingTime)
    }
}
