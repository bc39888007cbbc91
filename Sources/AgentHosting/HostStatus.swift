package import AgentModel
package import AgentWorker
import Synchronization

/// The state of the whole host, for the status routes: gathered when asked, from any thread.
package final class HostStatus: StatusReporting {
    private let agents: [AgentStatus]
    let metrics: HostMetrics
    private let state = Mutex<(serviceName: String, connections: [ConnectionStatus], streams: [String])>(("", [], []))

    package init(agents: [AgentStatus]) {
        self.agents = agents
        metrics = HostMetrics(agents: agents)
        metrics.observe(connections: { [weak self] in self?.connections ?? [] })
    }

    package func serve(as serviceName: String) {
        state.withLock { $0.serviceName = serviceName }
    }

    private var connections: [ConnectionStatus.Report] { state.withLock { $0.connections }.map(\.current) }

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
        let (serviceName, connections, streams) = state.withLock { $0 }
        let reports = connections.map(\.current)
        let agents = agents.compactMap(\.snapshot)
        let lastActivity = self.agents.map { $0.counters.lastActivity.load(ordering: .relaxed) }.max() ?? 0
        var health = HostSnapshot.Health.healthy
        if reports.contains(where: { $0.status != .connected && $0.status != .connecting })
            || agents.contains(where: { $0.script.reloadError != nil })
        {
            health = .degraded
        }
        if agents.isEmpty || self.agents.contains(where: { $0.counters.stoppedLanes.load(ordering: .relaxed) > 0 }) {
            health = .unhealthy
        }
        return HostSnapshot(
            serviceName: serviceName, health: health, agents: agents, connections: reports, activeStreams: streams,
            lastActivity: lastActivity == 0 ? nil : lastActivity)
    }
}
