/// Which filters the broker has, which it should have, and what is under way.
struct SubscriptionPlan {
    enum Step: Equatable {
        case subscribe(String)
        case unsubscribe(String)
    }

    /// What the agents asked for.
    private(set) var wanted: Set<String> = []
    /// Those of `wanted` that are subscribed to: a filter covered by another is left out, since a broker may deliver a
    /// message once for every subscription that matches it (MQTT 3.1.1 section 3.3.5), and no message tells.
    private var effective: Set<String> = []
    private var granted: Set<String> = []
    private var refused: Set<String> = []
    private var underWay: [Int32: Step] = [:]
    private var hasConnectedBefore = false

    mutating func want(_ filters: Set<String>) {
        guard filters != wanted else { return }
        wanted = filters
        effective = filters.filter { narrow in !filters.contains { MQTTTopic.covers($0, narrow) } }
        refused.formIntersection(effective)
    }

    /// A session of an earlier process may have subscriptions that this one knows nothing of, so the first connection
    /// subscribes to everything, whether the broker kept a session or not.
    mutating func connected(sessionPresent: Bool) {
        if !sessionPresent || !hasConnectedBefore { granted = [] }
        hasConnectedBefore = true
        refused = []
        underWay = [:]
    }

    /// What is to be asked for now. First what is added, then what goes, so that no message falls between two filters.
    var steps: [Step] {
        let asked = Set(
            underWay.values.map { step in
                switch step {
                case .subscribe(let filter), .unsubscribe(let filter): filter
                }
            })
        let added = effective.subtracting(granted).subtracting(refused).subtracting(asked).sorted()
        // What is covered by a filter not yet granted stays until that one is.
        guard added.isEmpty else { return added.map { .subscribe($0) } }
        guard underWay.isEmpty else { return [] }
        return granted.subtracting(effective).sorted().map { .unsubscribe($0) }
    }

    mutating func asked(_ step: Step, messageID: Int32) {
        underWay[messageID] = step
    }

    /// SUBACK. Returns the filter when the broker refused it (return code 0x80, section 3.9.3).
    mutating func answered(messageID: Int32, refusedByBroker: Bool) -> String? {
        guard case .subscribe(let filter)? = underWay.removeValue(forKey: messageID) else { return nil }
        if refusedByBroker {
            refused.insert(filter)
            return filter
        }
        granted.insert(filter)
        return nil
    }

    /// UNSUBACK.
    mutating func unsubscribed(messageID: Int32) {
        guard case .unsubscribe(let filter)? = underWay.removeValue(forKey: messageID) else { return }
        granted.remove(filter)
    }

    /// True once the broker has exactly what is wanted, or has refused it.
    var isSettled: Bool {
        underWay.isEmpty && granted == effective.subtracting(refused)
    }

    func wants(_ topic: UnsafePointer<CChar>) -> Bool {
        effective.contains { MQTTTopic.matches(topic, filter: $0) }
    }
}
