package import AgentModel
import AgentStore
package import AgentWorker
import Synchronization

/// The state of the whole host, for the status routes: gathered when asked, from any thread.
package final class HostStatus: StatusReporting {
    private let agents: [AgentStatus]
    let metrics: HostMetrics
    private struct State {
        var serviceName = ""
        var connections: [ConnectionStatus] = []
        var streams: [String] = []
        var embedded: [String] = []
    }

    private let state = Mutex(State())
    let spool = HostSpool()
    let stores = FolderStores { SpoolFolder.fileName($0) }

    package init(agents: [AgentStatus]) {
        self.agents = agents
        metrics = HostMetrics(agents: agents)
        metrics.observe(connections: { [weak self] in self?.connections ?? [] })
        metrics.observe(embedded: { [weak self] in self?.state.withLock { $0.embedded } ?? [] })
        metrics.observe(spooled: { [spool] in spool.current?.count ?? 0 })
    }

    package func serve(as serviceName: String) {
        state.withLock { $0.serviceName = serviceName }
    }

    /// Brokers of these kinds run inside the host from now on.
    func embeds(_ kinds: [String]) {
        state.withLock { $0.embedded = ($0.embedded + kinds).sorted() }
    }

    private var connections: [ConnectionStatus.Report] { Self.reports(state.withLock { $0.connections }) }

    private static func reports(_ connections: [ConnectionStatus]) -> [ConnectionStatus.Report] {
        connections.filter(\.isUsed).map(\.current)
    }

    package func metrics(webSockets: Int) -> String { metrics.text(webSockets: webSockets) }

    package func add(_ connection: ConnectionStatus) {
        state.withLock { $0.connections.append(connection) }
    }

    package func remove(_ connection: ConnectionStatus) {
        state.withLock { $0.connections.removeAll { $0 === connection } }
    }

    /// The Kafka topics subscribed.
    package func stream(_ topics: Set<String>) {
        state.withLock { $0.streams = topics.sorted() }
    }

    package func snapshot() -> HostSnapshot {
        let state = state.withLock { $0 }
        let reports = Self.reports(state.connections)
        let kept = spool.current.map { HostSnapshot.Spool(letters: $0.count, path: $0.path) }
        let agents = agents.compactMap(\.snapshot)
        let lastActivity = self.agents.map { $0.counters.lastActivity }.max() ?? 0
        let waiting = self.agents.reduce(0) { $0 + $1.counters.waitingDeadLetters }
        var health = HostSnapshot.Health.healthy
        if reports.contains(where: { $0.status != .connected && $0.status != .connecting })
            || agents.contains(where: { $0.script.reloadError != nil }) || kept.map({ $0.letters > 0 }) ?? false
            || waiting > 0
        {
            health = .degraded
        }
        if agents.isEmpty || self.agents.contains(where: { $0.counters.stoppedLanes > 0 }) {
            health = .unhealthy
        }
        var snapshot = HostSnapshot(
            serviceName: state.serviceName, health: health, agents: agents, connections: reports,
            activeStreams: state.streams, lastActivity: lastActivity == 0 ? nil : lastActivity)
        snapshot.embeddedBrokers = state.embedded
        snapshot.backlogs = metrics.backlogs
        snapshot.spool = kept
        snapshot.waitingDeadLetters = waiting
        return snapshot
    }
}
