/// The open connections of one loop. Confined to the loop.
final class ConnectionList {
    private(set) var connections: [HTTPConnection] = []
    private let limit: ConnectionLimit
    /// Called when one is gone.
    var onRemoval: () -> Void = {}

    init(_ limit: ConnectionLimit) { self.limit = limit }

    func add(_ connection: HTTPConnection) {
        connection.position = connections.count
        connections.append(connection)
        limit.opened()
    }

    /// False when it was removed before.
    func remove(_ connection: HTTPConnection) -> Bool {
        let position = connection.position
        guard position < connections.count, connections[position] === connection else { return false }
        let last = connections.removeLast()
        if position < connections.count {
            connections[position] = last
            last.position = position
        }
        limit.closed()
        onRemoval()
        return true
    }
}
