import HTTP1
import Realtime

/// What the servers of a host's workers share. From any thread.
package final class HostExchange: Sendable {
    package let life = HostLife()
    package let requests = RequestBoard()
    let realtime: RealtimeExchange
    let budget: ConnectionBudget
    let refusedOrigins = RefusedOrigins()

    package init(settings: AgentServerSettings) {
        realtime = RealtimeExchange(window: settings.window)
        budget = ConnectionBudget(settings.http)
    }
}
