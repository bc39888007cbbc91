import AgentModel
import AgentWorker
import Synchronization

/// What the status routes of the host under test tell.
final class TestStatus: StatusReporting {
    let agent = AgentStatus()

    /// Nothing is measured here.
    func metrics(webSockets: Int) -> String { "" }

    func snapshot() -> HostSnapshot {
        let agents = [agent.snapshot].compactMap { $0 }
        let lastActivity = agent.counters.lastActivity
        var health = HostSnapshot.Health.healthy
        if agents.contains(where: { $0.script.reloadError != nil }) { health = .degraded }
        if agents.isEmpty || agent.counters.stoppedLanes > 0 { health = .unhealthy }
        return HostSnapshot(
            serviceName: agents.first?.interface.name ?? "", health: health, agents: agents, connections: [],
            activeStreams: agents.flatMap(\.topics).sorted(), lastActivity: lastActivity == 0 ? nil : lastActivity)
    }
}
