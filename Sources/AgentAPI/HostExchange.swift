import HTTP1
import Realtime

/// What the servers of a host's workers share. From any thread.
package final class HostExchange: Sendable {
    /// What probes are answered from.
    package let life = HostLife()
    /// What all loops have counted of their requests.
    package let requests = RequestBoard()
    let realtime: RealtimeExchange
    let budget: ConnectionBudget
    let refusedOrigins = RefusedOrigins()

    /// One for a host, whose workers have the same settings.
    package init(settings: AgentServerSettings) {
        realtime = RealtimeExchange(window: settings.window)
        budget = ConnectionBudget(settings.http)
    }
}
