import AgentModel
import AgentWorker
import NIOCore
import Synchronization

/// HTTP requests that the test answers.
final class TestOutbound: OutboundHTTP, @unchecked Sendable {
    typealias Completion = (Result<HTTPAnswer, DeliveryFailure>) -> Void

    private var waiting: [(url: String, completion: Completion)] = []
    private(set) var cancelled = 0

    var urls: [String] { waiting.map(\.url) }

    func execute(_ call: HTTPCall, on loop: any EventLoop, completion: @escaping Completion) -> () -> Void {
        loop.preconditionInEventLoop()
        waiting.append((call.url, completion))
        return { self.cancelled += 1 }
    }

    func answerFirst(_ body: String = "{}") {
        guard !waiting.isEmpty else { return }
        waiting.removeFirst().completion(
            .success(HTTPAnswer(status: 200, headers: [], body: ByteBuffer(string: body))))
    }
}
