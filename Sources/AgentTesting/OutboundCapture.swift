import AgentModel
import NIOCore

/// Answers the HTTP requests of the agent with what the test has prepared by `host:answer`; without such an answer, and
/// where the test has ordered a failure, the request fails. Confined to its loop.
final class OutboundCapture: OutboundHTTP, @unchecked Sendable {
    /// An answer prepared for requests of a URL.
    struct Prepared {
        var url: String
        /// nil: any.
        var method: String?
        var answer: HTTPAnswer
    }

    private let loop: any EventLoop
    private let effects: CapturedEffects
    private let faults: FaultPlan
    private var prepared: [Prepared] = []

    init(loop: any EventLoop, effects: CapturedEffects, faults: FaultPlan) {
        self.loop = loop
        self.effects = effects
        self.faults = faults
    }

    /// The latest answer for a URL and method is the one that holds.
    func prepare(_ answer: Prepared) {
        loop.preconditionInEventLoop()
        prepared.insert(answer, at: 0)
    }

    func removeAll() {
        loop.preconditionInEventLoop()
        prepared = []
    }

    func execute(
        _ call: HTTPCall, on loop: any EventLoop, completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) -> () -> Void {
        self.loop.preconditionInEventLoop()
        effects.calls.append(call)
        let result = answer(to: call)
        var isGivenUp = false
        loop.assumeIsolated().execute {
            if !isGivenUp { completion(result) }
        }
        return { isGivenUp = true }
    }

    private func answer(to call: HTTPCall) -> Result<HTTPAnswer, DeliveryFailure> {
        if let message = faults.take(FaultPlan.http) {
            return .failure(DeliveryFailure("\(call.method) \(call.url): \(message)"))
        }
        let match = prepared.first { $0.url == call.url && ($0.method == nil || $0.method == call.method) }
        guard let match else {
            let remedy = "prepare the answer with host:answer { url = \"\(call.url)\", json = … }"
            return .failure(DeliveryFailure("\(call.method) \(call.url): a test has no network; \(remedy)"))
        }
        return .success(match.answer)
    }
}
