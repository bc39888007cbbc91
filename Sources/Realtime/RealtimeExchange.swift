import NIOCore
import Synchronization

/// What the workers of a host share of their clients: who is connected where, and the events that can be resumed.
package final class RealtimeExchange: Sendable {
    private struct State {
        var hubs: [Int: TopicHub] = [:]
        var created = 0
    }

    let clients = ClientRegistry()
    let history: EventHistory
    private let state = Mutex(State())

    package init(window: EventWindow) {
        history = EventHistory(window: window)
    }

    /// WebSockets open on all workers.
    package var connectionCount: Int { clients.count }

    /// The clients, and the subscribers of each topic: WebSockets, and streams of Server-Sent Events. Topics that only
    /// streams are open of come after the others, by name.
    package func page(offset: Int, limit: Int) -> ClientRegistry.Page {
        var page = clients.page(offset: offset, limit: limit)
        let readers = history.readersOfTopics
        guard !readers.isEmpty else { return page }
        for index in page.topics.indices { page.topics[index].subscribers += readers[page.topics[index].name] ?? 0 }
        let others = clients.withoutSubscribers(readers.keys)
        page.topics += others.sorted().dropFirst(max(0, offset - page.totalTopics)).prefix(limit - page.topics.count)
            .map { (name: $0, subscribers: readers[$0] ?? 0) }
        page.totalTopics += others.count
        page.totalSubscriptions += readers.values.reduce(0, +)
        return page
    }

    func nextWorker() -> Int {
        state.withLock {
            $0.created += 1
            return $0.created
        }
    }

    func attach(_ hub: TopicHub) {
        state.withLock { $0.hubs[hub.worker] = hub }
    }

    /// After this nothing is posted to the hub any more.
    package func detach(_ worker: Int) {
        _ = state.withLock { $0.hubs.removeValue(forKey: worker) }
    }

    /// Runs something on another worker's loop.
    func post(to worker: Int, _ body: @escaping @Sendable (TopicHub) -> Void) {
        guard let hub = state.withLock({ $0.hubs[worker] }) else { return }
        hub.eventLoop.execute { body(hub) }
    }
}
