import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1

/// Answers requests of task endpoints.
struct TaskExchange {
    private let connection: HTTPConnection
    private let requests: any AgentRequests

    init(_ connection: HTTPConnection, _ requests: any AgentRequests) {
        self.connection = connection
        self.requests = requests
    }

    /// - Parameter body: what errors are told of by their place.
    func perform(_ route: TaskRoute, _ context: RequestContext, _ input: TaskRequest.Input, _ body: ByteBuffer) {
        let sequence = connection.sequence
        let request = TaskRequest(agent: route.agent, taskType: route.taskType, input: input, context: context)
        requests.perform(request) { [connection] outcome in
            guard connection.awaits(sequence) else { return }
            Self.finish(connection, outcome, route, body)
        }
    }

    private static func finish(
        _ connection: HTTPConnection, _ outcome: TaskOutcome, _ route: TaskRoute, _ body: ByteBuffer
    ) {
        if let own = outcome.answer { return connection.answer(own) }
        switch outcome.result {
        case .success(let result) where route.takesAnyBody: connection.answer(.ok, result)
        case .success(let result): succeed(connection, result, outcome.processingTime, route)
        case .failure(let failure): fail(connection, failure, body)
        }
    }

    /// The result between what all results of the route have around them, put together in the response itself.
    private static func succeed(
        _ connection: HTTPConnection, _ result: ByteBuffer, _ seconds: Double, _ route: TaskRoute
    ) {
        withDigits(of: seconds) { digits in
            let length =
                begin.utf8CodeUnitCount + result.readableBytes + route.metadata.count + 2 * digits.count
                + route.end.count + 1
            connection.answer(jsonOf: length) { target in
                var place = 0
                func put(_ bytes: UnsafeRawBufferPointer) {
                    UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: bytes)
                    place += bytes.count
                }
                put(UnsafeRawBufferPointer(start: begin.utf8Start, count: begin.utf8CodeUnitCount))
                result.withUnsafeReadableBytes(put)
                route.metadata.withUnsafeBytes(put)
                put(digits)
                route.end.withUnsafeBytes(put)
                put(digits)
                target[place] = UInt8(ascii: "}")
            }
        }
    }

    private static let begin: StaticString = "{\"result\":"

    private static func fail(_ connection: HTTPConnection, _ failure: TaskFailure, _ body: ByteBuffer) {
        switch failure {
        case .invalidJSON(let message, let offset):
            connection.answer(.unprocessableEntity, ErrorBody.invalidJSON(message, offset: offset, in: body))
        case .invalidUTF8: connection.answer(.badRequest, ErrorBody.detail(failure.description))
        case .invalid(let issues): connection.answer(.unprocessableEntity, ErrorBody.invalid(issues))
        case .failed, .versionClosed:
            connection.answer(.internalServerError, ErrorBody.detail("Agent processing failed: \(failure)"))
        case .answered(let status, let detail):
            connection.answer(HTTPResponseStatus(statusCode: status), ErrorBody.detail(detail))
        case .timedOut: connection.answer(.gatewayTimeout, ErrorBody.detail(failure.description))
        case .queueFull, .overloaded, .starting, .stopping:
            connection.answer(.serviceUnavailable, ErrorBody.detail(failure.description), [("retry-after", "1")])
        case .unknownTask:
            let issue = ValidationIssue(
                type: "enum", location: ["body", "task_type"], message: failure.description, input: ByteBuffer())
            connection.answer(.unprocessableEntity, ErrorBody.invalid([issue]))
        }
    }

    /// Calls `body` with a time in seconds, with six decimals.
    private static func withDigits(of seconds: Double, _ body: (UnsafeRawBufferPointer) -> Void) {
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
            body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[begin...]))
        }
    }
}

extension TaskRequest.Input {
    /// What a request's body is to a task of the route.
    static func of(_ body: ByteBuffer, _ route: TaskRoute) -> TaskRequest.Input {
        route.takesAnyBody ? .document(body) : .body(body)
    }

    /// The query string in the place of a body: `query`, which may be left out, and every other parameter as one of the
    /// task's, a string.
    static func of(_ query: QueryString, _ route: TaskRoute) -> TaskRequest.Input {
        func object(_ parameters: some Sequence<(name: String, value: String)>) -> ByteBuffer {
            JSONValue.object(JSONObject(parameters.map { ($0.name, JSONValue.string($0.value)) })).json()
        }
        if route.takesAnyBody { return .document(object(query.parameters)) }
        return .query(query["query"] ?? "", parameters: object(query.parameters.filter { $0.name != "query" }))
    }
}
