import AgentModel
import NIOCore
import NIOHTTP1

/// Task endpoints.
extension HTTPConnection {
    func perform(_ route: TaskRoute, captures: [Range<Int>], _ body: ByteBuffer) {
        guard let parameters = parameters(route.path, captures) else { return invalidPath() }
        guard let input = taskInput(body, route) else { return }
        let sequence = sequence
        let request = TaskRequest(
            agent: route.agent, taskType: route.taskType, input: input,
            context: RequestContext(path: parameters, head: head.bytes))
        server.requests.perform(request) { [self] outcome in
            guard sequence == self.sequence, case .answering = phase else { return }
            finish(outcome, route, body)
        }
    }

    /// The body; for a `GET`, whose body means nothing, and a `DELETE` without one the query string: `query`, which may be
    /// left out, and every other parameter as one of the task's, a string. Answers when there is nothing to perform.
    private func taskInput(_ body: ByteBuffer, _ route: TaskRoute) -> TaskRequest.Input? {
        let isDelete = head.method == .delete && body.readableBytes == 0
        guard head.method == .get || head.method == .head || isDelete else {
            guard acceptsContentType(body) else { return nil }
            return route.takesAnyBody ? .document(body) : .body(body)
        }
        // A task may do anything, so here a `GET` of a page that is not let in is refused as a write of it is.
        if isRefusedForItsOrigin() { return nil }
        let query = QueryString(head.text(head.query) ?? "")
        if route.takesAnyBody {
            let parameters = query.parameters.map { ($0.name, JSONValue.string($0.value)) }
            return .document(JSONValue.object(JSONObject(parameters)).json())
        }
        let others = query.parameters.filter { $0.name != "query" }.map { ($0.name, JSONValue.string($0.value)) }
        return .query(query["query"] ?? "", parameters: JSONValue.object(JSONObject(others)).json())
    }

    private func finish(_ outcome: TaskOutcome, _ route: TaskRoute, _ body: ByteBuffer) {
        if let own = outcome.answer { return answer(own) }
        switch outcome.result {
        case .success(let result) where route.takesAnyBody: answer(.ok, result)
        case .success(let result): succeed(result, outcome, route)
        case .failure(let failure): fail(failure, body)
        }
    }

    private func succeed(_ result: ByteBuffer, _ outcome: TaskOutcome, _ route: TaskRoute) {
        var body = server.takeBodyBuffer()
        body.writeStaticString("{\"result\":")
        body.writeImmutableBuffer(result)
        body.writeBytes(route.metadata)
        body.writeSeconds(outcome.processingTime)
        // A standard agent does not speak of realtime.
        body.writeStaticString(route.isRealtime ? ",\"realtime_enabled\":true}" : "}")
        body.writeStaticString(",\"processing_time\":")
        body.writeSeconds(outcome.processingTime)
        body.writeStaticString("}")
        answer(.ok, body)
        server.returnBodyBuffer(&body)
    }

    private func fail(_ failure: TaskFailure, _ body: ByteBuffer) {
        switch failure {
        case .invalidJSON(let message, let offset):
            answer(.unprocessableEntity, ErrorBody.invalidJSON(message, offset: offset, in: body))
        case .invalidUTF8: answer(.badRequest, ErrorBody.detail(failure.description))
        case .invalid(let issues): answer(.unprocessableEntity, ErrorBody.invalid(issues))
        case .failed, .versionClosed:
            answer(.internalServerError, ErrorBody.detail("Agent processing failed: \(failure)"))
        case .answered(let status, let detail):
            answer(HTTPResponseStatus(statusCode: status), ErrorBody.detail(detail))
        case .timedOut: answer(.gatewayTimeout, ErrorBody.detail(failure.description))
        case .queueFull, .starting, .stopping:
            answer(.serviceUnavailable, ErrorBody.detail(failure.description), [("retry-after", "1")])
        case .unknownTask:
            let issue = ValidationIssue(
                type: "enum", location: ["body", "task_type"], message: failure.description, input: ByteBuffer())
            answer(.unprocessableEntity, ErrorBody.invalid([issue]))
        }
    }
}

extension ByteBuffer {
    /// A time in seconds with six decimals.
    fileprivate mutating func writeSeconds(_ seconds: Double) {
        var rest = UInt64(max(0, min(seconds, 1e12)) * 1e6)
        // From the last digit on: at most 13 before the point, and 6 behind it.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var begin = digits.count
            repeat {
                begin -= 1
                if digits.count - begin == 7 {
                    digits[begin] = UInt8(ascii: ".")
                } else {
                    digits[begin] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
            } while rest > 0 || digits.count - begin < 8
            writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[begin...]))
        }
    }
}
