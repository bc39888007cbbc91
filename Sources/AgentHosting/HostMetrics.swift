import AgentMetrics
import AgentModel
import AgentWorker
import CoreMetrics
import Synchronization

/// What a host measures, by the names under which Prometheus finds it.
final class HostMetrics: Sendable {
    let registry = PrometheusRegistry(help: [
        "agenthost_messages_total": "Messages and tasks that reached an agent.",
        "agenthost_errors_total": "Handlers that failed.",
        "agenthost_retries_total": "Messages tried again after a failure.",
        "agenthost_dead_letters_total": "Messages given up and delivered to a dead-letter topic.",
        "agenthost_handler_duration_seconds": "Time from the start of a handler to its end, its waits included.",
        "agenthost_script_generation": "Script versions put in service since the host started.",
        "agenthost_reload_failed": "1 while the last reload failed and the version before serves.",
        "agenthost_websockets": "WebSockets open.",
        "agenthost_connection_up": "1 while a broker connection is up.",
        "agenthost_kafka_lag_messages": "Messages of a partition not yet handled.",
        "agenthost_lua_memory_bytes": "Memory of an agent's Lua state.",
        "agenthost_loop_delay_seconds": "How late an event loop ran a timer, at the last look.",
    ])
    private let webSockets = Atomic<Int>(0)

    /// What the status of an agent counts already. Called once its name is known.
    func observe(_ name: String, _ status: AgentStatus) {
        let agent = [("agent", name)]
        let counters = status.counters
        registry.observe("agenthost_messages_total", agent, isCounter: true) {
            Double(counters.messages.load(ordering: .relaxed))
        }
        registry.observe("agenthost_errors_total", agent, isCounter: true) {
            Double(counters.errors.load(ordering: .relaxed))
        }
        registry.observe("agenthost_retries_total", agent, isCounter: true) {
            Double(counters.retries.load(ordering: .relaxed))
        }
        registry.observe("agenthost_dead_letters_total", agent, isCounter: true) {
            Double(counters.deadLetters.load(ordering: .relaxed))
        }
        registry.observe("agenthost_script_generation", agent, isCounter: false) {
            status.snapshot.map { Double($0.script.generation) }
        }
        registry.observe("agenthost_reload_failed", agent, isCounter: false) {
            status.snapshot.map { $0.script.reloadError == nil ? 0 : 1 }
        }
        registry.observe("agenthost_websockets", isCounter: false) { [self] in
            Double(webSockets.load(ordering: .relaxed))
        }
    }

    func observe(_ connection: ConnectionStatus) {
        let report = connection.current
        registry.observe(
            "agenthost_connection_up", [("type", report.connectionType), ("endpoint", report.endpoint)],
            isCounter: false
        ) { [weak connection] in
            connection.map { $0.current.status == .connected ? 1 : 0 }
        }
    }

    func text(webSockets open: Int) -> String {
        webSockets.store(open, ordering: .relaxed)
        return registry.text()
    }
}
