/// A set of clients that is walked through far more often than it changes.
struct Roster {
    private(set) var members: [any RealtimeClient] = []
    private var positions: [ObjectIdentifier: Int] = [:]

    var isEmpty: Bool { members.isEmpty }

    func contains(_ client: any RealtimeClient) -> Bool { positions[ObjectIdentifier(client)] != nil }

    mutating func add(_ client: any RealtimeClient) {
        guard positions[ObjectIdentifier(client)] == nil else { return }
        positions[ObjectIdentifier(client)] = members.count
        members.append(client)
    }

    mutating func remove(_ client: any RealtimeClient) {
        guard let position = positions.removeValue(forKey: ObjectIdentifier(client)) else { return }
        let last = members.removeLast()
        guard position < members.count else { return }
        members[position] = last
        positions[ObjectIdentifier(last)] = position
    }
}
