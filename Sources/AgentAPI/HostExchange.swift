import HTTP1

/// What the servers of a host's workers share. From any thread.
package final class HostExchange: Sendable {
    package let life = HostLife()
    package let requests = RequestBoard()
    let realtime: RealtimeExchange
    let budget: ConnectionBudget
    let refusedOrigins = RefusedOrigins()

    package init(settings: AgentServerSettings) {
        realtime = RealtimeExchange(settings: settings)
        budget = ConnectionBudget(settings.http)
    }
}
