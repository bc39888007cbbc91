/// Failures that a test has ordered with `host:fail`. Confined to the thread of its file.
final class FaultPlan {
    enum Kind: String, CaseIterable {
        case kafka, mqtt, http, store
    }

    private var ordered: [Kind: [(message: String, times: Int)]] = [:]

    func order(_ kind: Kind, _ message: String, times: Int) {
        if times > 0 { ordered[kind, default: []].append((message, times)) }
    }

    /// The failure of the next effect of a kind; nil: it succeeds.
    func take(_ kind: Kind) -> String? {
        guard var plan = ordered[kind], !plan.isEmpty else { return nil }
        let message = plan[0].message
        plan[0].times -= 1
        if plan[0].times == 0 { plan.removeFirst() }
        ordered[kind] = plan
        return message
    }

    func removeAll() { ordered = [:] }
}
