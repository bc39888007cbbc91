import NIOCore
import Synchronization

/// What the workers of a host share of their clients: who is connected where, and the events that can be resumed.
package final class RealtimeExchange: Sendable {
    private struct State {
        var hubs: [Int: TopicHub] = [:]
        var created = 0
        /// Where a worker listens.
        var ports: Set<Int> = []
    }

    let clients = ClientRegistry()
    let history: EventHistory
    private let state = Mutex(State())

    package init(settings: HTTPServerSettings) {
        history = EventHistory(settings: settings)
    }

    /// WebSockets open on all workers.
    package var connectionCount: Int { clients.count }

    /// The clients, and the subscribers of each topic: WebSockets, and streams of Server-Sent Events.
    var summary: ClientRegistry.Summary {
        var summary = clients.summary
        let readers = history.readersOfTopics
        guard !readers.isEmpty else { return summary }
        let subscribers = Dictionary(summary.topics.map { ($0.name, $0.subscribers) }) { $1 }
        summary.topics = subscribers.merging(readers, uniquingKeysWith: +)
            .map { (name: $0.key, subscribers: $0.value) }.sorted { $0.name < $1.name }
        return summary
    }

    func nextWorker() -> Int {
        state.withLock {
            $0.created += 1
            return $0.created
        }
    }

    func isListening(on port: Int) {
        _ = state.withLock { $0.ports.insert(port) }
    }

    /// Whether another worker of this host has the port already.
    func listens(on port: Int) -> Bool {
        state.withLock { $0.ports.contains(port) }
    }

    func attach(_ hub: TopicHub) {
        state.withLock { $0.hubs[hub.worker] = hub }
    }

    /// After this nothing is posted to the hub any more.
    func detach(_ worker: Int) {
        _ = state.withLock { $0.hubs.removeValue(forKey: worker) }
    }

    /// Runs something on another worker's loop.
    func post(to worker: Int, _ body: @escaping @Sendable (TopicHub) -> Void) {
        guard let hub = state.withLock({ $0.hubs[worker] }) else { return }
        hub.eventLoop.execute { body(hub) }
    }
}
