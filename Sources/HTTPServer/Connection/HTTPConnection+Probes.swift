import AgentModel
import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// Answers a probe, before anything else is looked at: a kubelet asks for the pod's address and knows no name of
    /// the service, and it asks while the host starts and stops too.
    func isAnsweredAsProbe() -> Bool {
        guard let probe = Probe(head) else { return false }
        answer(probe)
        return true
    }

    func answer(_ probe: Probe) {
        switch probe {
        case .livez:
            let stalls = server.exchange.life.stalls(longerThan: server.settings.stuckAfter)
            guard !stalls.isEmpty else { return answer(.ok, JSONValue.object(["status": "alive"]).json()) }
            let workers: [JSONValue] = stalls.map { stall in
                let seconds = (Double(stall.silence.nanoseconds) / 1e9 * 10).rounded() / 10
                return ["worker": .integer(Int64(stall.worker)), "silent_for": .number(seconds)]
            }
            answer(.serviceUnavailable, JSONValue.object(["status": "stuck", "workers": .array(workers)]).json())
        case .readyz:
            let stage = server.exchange.life.stage
            answer(
                stage == .ready ? .ok : .serviceUnavailable,
                JSONValue.object(["status": .string("\(stage)")]).json())
        }
    }
}
