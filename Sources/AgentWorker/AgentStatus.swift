package import AgentModel
import Synchronization

/// What the status routes tell of one agent: written at loads and on the workers' loops, read from any thread.
package final class AgentStatus: Sendable {
    package let counters = AgentCounters()
    private let script = Mutex<(interface: AgentInterface?, script: HostSnapshot.Script, topics: [String])>(
        (nil, .init(version: "", generation: 0, loadedAt: 0, reloadError: nil), []))

    package init() {}

    package func serving(_ interface: AgentInterface, version: String, generation: Int, loadedAt: Int64) {
        script.withLock {
            $0.interface = interface
            $0.script = .init(version: version, generation: generation, loadedAt: loadedAt, reloadError: nil)
        }
    }

    package func reloadFailed(_ message: String) {
        script.withLock { $0.script.reloadError = message }
    }

    package func subscribed(to topics: [String]) {
        script.withLock { $0.topics = topics }
    }

    package var interface: AgentInterface? { script.withLock { $0.interface } }

    /// nil before the first load.
    package var snapshot: HostSnapshot.Agent? {
        script.withLock { state in
            state.interface.map {
                HostSnapshot.Agent(
                    interface: $0, script: state.script, messageCount: counters.messages,
                    errorCount: counters.errors, topics: state.topics)
            }
        }
    }
}
