import AgentModel
import HTTP1
import Logging
import NIOCore
import Realtime

/// What the requests of one loop are answered from. Confined to the loop.
final class Reception {
    let floor: ConnectionFloor
    let settings: AgentServerSettings
    let exchange: HostExchange
    let topics: TopicHub
    let origins: OriginPolicy
    let requests: any AgentRequests
    let status: any StatusReporting
    /// nil: no request is logged.
    let accessLog: AccessLog?
    /// nil while no agent is served.
    var routes: RouteTable?
    var figures: LoopFigures
    /// What requests may ask for; known once the address is.
    var hosts: HostPolicy
    /// Whether answers to requests without an origin depend on there being none.
    private(set) var originsVary = false

    init(
        floor: ConnectionFloor, settings: AgentServerSettings, exchange: HostExchange, requests: any AgentRequests,
        status: any StatusReporting
    ) {
        self.floor = floor
        self.settings = settings
        self.exchange = exchange
        self.requests = requests
        self.status = status
        origins = OriginPolicy(settings.allowedOrigins, allowsCredentials: settings.allowsCredentials)
        hosts = HostPolicy(settings.allowedHosts, isLoopback: false)
        figures = LoopFigures(board: exchange.requests)
        accessLog = settings.logsAccess ? AccessLog(floor.logger) : nil
        topics = TopicHub(eventLoop: floor.eventLoop, exchange: exchange.realtime, wire: TurnWire(floor.turnEnd))
    }

    /// The server listens there.
    func listens(at address: SocketAddress) {
        let isLoopback = IPAddress(address).map(\.isLoopback) ?? false
        hosts = HostPolicy(settings.allowedHosts, isLoopback: isLoopback)
        originsVary = origins.varies(isLoopback: isLoopback)
    }

    var isStopping: Bool { floor.isStopping }

    var pages: StatusPages { StatusPages(snapshot: status.snapshot(), exchange: exchange.realtime) }
}
