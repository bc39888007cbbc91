package import AgentModel
package import NIOCore

/// HTTP requests that the test answers.
package final class TestOutbound: OutboundHTTP, @unchecked Sendable {
    package typealias Completion = (Result<HTTPAnswer, DeliveryFailure>) -> Void

    private var waiting: [(url: String, completion: Completion)] = []
    package private(set) var cancelled = 0
    /// Requests are answered inside the call that makes them, as a client does that fails at once.
    package var answersAtOnce = false

    package init() {}

    package var urls: [String] { waiting.map(\.url) }

    package func execute(_ call: HTTPCall, on loop: any EventLoop, completion: @escaping Completion) -> () -> Void {
        loop.preconditionInEventLoop()
        waiting.append((call.url, completion))
        if answersAtOnce { answerFirst() }
        return { self.cancelled += 1 }
    }

    package func answerFirst(_ body: String = "{}") {
        guard !waiting.isEmpty else { return }
        waiting.removeFirst().completion(
            .success(HTTPAnswer(status: 200, headers: [], body: ByteBuffer(string: body))))
    }
}
