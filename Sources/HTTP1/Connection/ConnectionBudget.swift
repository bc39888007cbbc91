import Synchronization

/// What the connections of all workers may take together. From any thread.
package final class ConnectionBudget: Sendable {
    /// How many may be open.
    let connections: ConnectionLimit
    /// Where a worker listens.
    private let ports = Mutex<Set<Int>>([])
    /// What all connections hold of requests and messages that have not ended.
    private let unfinishedBytes = Atomic<Int>(0)
    private let maxUnfinishedBytes: Int

    /// One for a host, whose workers have the same settings.
    package init(_ settings: HTTPSettings) {
        connections = ConnectionLimit(settings.maxConnections)
        maxUnfinishedBytes = settings.maxUnfinishedBytes
    }

    /// A connection holds so many bytes more, or less, of what has not ended. False: it is too much, unless it is less.
    func hold(_ bytes: Int) -> Bool {
        let total = unfinishedBytes.add(bytes, ordering: .relaxed).newValue
        return bytes <= 0 || total <= maxUnfinishedBytes
    }

    func release(_ bytes: Int) {
        if bytes != 0 { unfinishedBytes.subtract(bytes, ordering: .relaxed) }
    }

    var unfinished: Int { unfinishedBytes.load(ordering: .relaxed) }

    func isListening(on port: Int) {
        _ = ports.withLock { $0.insert(port) }
    }

    /// Whether another worker of this host has the port already.
    func listens(on port: Int) -> Bool {
        ports.withLock { $0.contains(port) }
    }
}
