import Synchronization

/// What all workers may know of a WebSocket client.
package final class ClientRecord: Sendable {
    /// UUID.
    package let id: String
    /// Numbered from 1 in the order of connecting, over the whole host.
    package let connectionID: Int
    /// The worker whose loop the connection is on.
    let worker: Int
    package let isRaw: Bool
    /// Milliseconds since 1970.
    package let connectedAt: Int64
    /// Messages to and from the client.
    private let messages = Atomic<Int>(0)

    init(id: String, connectionID: Int, worker: Int, isRaw: Bool, connectedAt: Int64) {
        self.id = id
        self.connectionID = connectionID
        self.worker = worker
        self.isRaw = isRaw
        self.connectedAt = connectedAt
    }

    package var messageCount: Int { messages.load(ordering: .relaxed) }

    /// Only the worker's loop counts, so this need not be one atomic step, which would be felt in a fan-out.
    package func countMessage() { messages.store(messages.load(ordering: .relaxed) + 1, ordering: .relaxed) }
}
