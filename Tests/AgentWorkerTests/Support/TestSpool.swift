import AgentModel
import NIOCore
import Synchronization

@testable import AgentWorker

/// A spool that the test answers for.
final class TestSpool: DeadLetterSpool {
    private struct State {
        var kept: [KeptLetter] = []
        var refusal: String?
    }

    private let state = Mutex(State())

    var kept: [KeptLetter] { state.withLock { $0.kept } }

    /// Why nothing can be kept from now on; nil: it can.
    func refuse(_ reason: String?) { state.withLock { $0.refusal = reason } }

    func keep(_ letter: KeptLetter, on loop: any EventLoop, completion: @escaping (DeliveryFailure?) -> Void) {
        let refusal = state.withLock { state in
            if state.refusal == nil { state.kept.append(letter) }
            return state.refusal
        }
        loop.assumeIsolated().execute { completion(refusal.map { DeliveryFailure($0) }) }
    }
}
