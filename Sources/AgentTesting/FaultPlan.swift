import AgentModel

/// Failures that a test has ordered with `host:fail`. Confined to the thread of its file.
final class FaultPlan {
    /// What can be made to fail, by the names that `host:fail` has for it.
    static let kinds = TransportName.known.map(\.description) + [http, store]
    static let http = "http"
    static let store = "store"

    private var ordered: [String: [(message: String, times: Int)]] = [:]

    func order(_ kind: String, _ message: String, times: Int) {
        if times > 0 { ordered[kind, default: []].append((message, times)) }
    }

    /// The failure of the next effect of a kind; nil: it succeeds.
    func take(_ kind: String) -> String? {
        guard var plan = ordered[kind], !plan.isEmpty else { return nil }
        let message = plan[0].message
        plan[0].times -= 1
        if plan[0].times == 0 { plan.removeFirst() }
        ordered[kind] = plan
        return message
    }

    func removeAll() { ordered = [:] }
}
