import AgentModel

/// Which filters the broker has, which it should have, and what is under way.
struct SubscriptionPlan {
    enum Step: Equatable {
        case subscribe(String)
        case unsubscribe(String)
    }

    /// The group of a shared subscription that all filters become; nil: they are subscribed to as they are.
    private let sharedGroup: String?
    /// What the agents asked for.
    private(set) var wanted: Set<String> = [] {
        didSet { wildcards = wanted.filter(MQTTTopic.hasWildcards) }
    }
    /// Of what is wanted, what has to be looked through for every message.
    private var wildcards: Set<String> = []
    /// What is subscribed to in its place. A broker may deliver a message once for every subscription that matches it
    /// (MQTT 3.1.1 section 3.3.5), and no message tells: so no two of these have a topic in common. A filter covered
    /// by another is left out; two that overlap without that (`a/+/c`, `a/b/#`) become the narrowest one over both
    /// (`a/+/#`), and what nobody asked for is dropped when it comes.
    private var effective: Set<String> = []
    /// A broker that refuses a joined filter gets its parts, and then delivers as it does.
    private var joins = true
    private var granted: Set<String> = []
    private var refused: Set<String> = []
    private var underWay: [Int32: Step] = [:]
    private var hasConnectedBefore = false
    /// Whether `steps` and `isSettled` may be others than when they were last looked at.
    private(set) var isChanged = true

    init(sharedGroup: String? = nil) {
        self.sharedGroup = sharedGroup
    }

    mutating func looked() { isChanged = false }

    mutating func want(_ filters: Set<String>) {
        isChanged = true
        guard filters != wanted else { return }
        wanted = filters
        joins = true
        makeEffective()
    }

    private mutating func makeEffective() {
        var filters = Self.withoutCovered(wanted)
        if joins {
            while let (one, other, joined) = Self.overlap(in: filters) {
                filters.subtract([one, other])
                filters.insert(joined)
                filters = Self.withoutCovered(filters)
            }
        }
        effective = Set(filters.map(shared))
        refused.formIntersection(effective)
    }

    private static func withoutCovered(_ filters: Set<String>) -> Set<String> {
        // Only a wildcard covers what is not the same: plain topics, however many, are not compared with one another.
        let wide = filters.filter(MQTTTopic.hasWildcards).map { ($0, MQTTTopic.levels($0)) }
        guard !wide.isEmpty else { return filters }
        return filters.filter { narrow in
            let levels = MQTTTopic.levels(narrow)
            return !wide.contains { $0.0 != narrow && MQTTTopic.covers($0.1, levels) }
        }
    }

    /// Two filters with topics in common, and the one that takes their place. The copies of `$share/…` are for a group,
    /// not for a subscriber.
    private static func overlap(in filters: Set<String>) -> (String, String, String)? {
        let parsed = filters.sorted().filter { !$0.hasPrefix("$share/") }.compactMap { try? TopicFilter($0) }
        for (index, filter) in parsed.enumerated() where filter.hasWildcards {
            for (otherIndex, other) in parsed.enumerated() where otherIndex != index && filter.overlaps(other) {
                if let joined = filter.joined(with: other) { return (filter.text, other.text, joined.text) }
            }
        }
        return nil
    }

    /// A broker's own topics, which begin with $, are for each subscriber.
    private func shared(_ filter: String) -> String {
        guard let sharedGroup, !filter.hasPrefix("$") else { return filter }
        return "$share/\(sharedGroup)/\(filter)"
    }

    /// A session of an earlier process may have subscriptions that this one knows nothing of, so the first connection
    /// subscribes to everything, whether the broker kept a session or not.
    mutating func connected(sessionPresent: Bool) {
        isChanged = true
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
        isChanged = true
        underWay[messageID] = step
    }

    /// SUBACK. Returns the filter when the broker refused it (return code 0x80, section 3.9.3).
    mutating func answered(messageID: Int32, refusedByBroker: Bool) -> String? {
        isChanged = true
        guard case .subscribe(let filter)? = underWay.removeValue(forKey: messageID) else { return nil }
        if refusedByBroker {
            refused.insert(filter)
            // The agents' own filters may be allowed where the wider one is not.
            if joins, !wanted.contains(where: { shared($0) == filter }) {
                joins = false
                makeEffective()
                return nil
            }
            return filter
        }
        granted.insert(filter)
        return nil
    }

    /// UNSUBACK.
    mutating func unsubscribed(messageID: Int32) {
        isChanged = true
        guard case .unsubscribe(let filter)? = underWay.removeValue(forKey: messageID) else { return }
        granted.remove(filter)
    }

    /// True once the broker has exactly what is wanted, or has refused it.
    var isSettled: Bool {
        underWay.isEmpty && granted == effective.subtracting(refused)
    }

    /// Whether an agent asked for the topic.
    func wants(_ topic: String) -> Bool {
        wanted.contains(topic) || wildcards.contains { MQTTTopic.matches(topic, filter: $0) }
    }

    /// Whether the topic comes because of what is subscribed to.
    func expects(_ topic: String) -> Bool {
        effective.contains { MQTTTopic.matches(topic, filter: $0) }
    }
}
