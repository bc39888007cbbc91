package import AgentModel
package import HTTP1
package import Logging
package import NIOCore
import Realtime

/// The HTTP, WebSocket and Server-Sent Events server of one worker: the routes of the contract on the connections of
/// HTTP1. Everything of it is confined to the worker's loop; what the workers share is in `HostExchange`.
package final class AgentServer: Service, @unchecked Sendable {
    /// That of the host.
    package let exchange: HostExchange
    let reception: Reception
    private let http: HTTPServer
    /// That of the loop, while the server listens.
    private var pulse: HostLife.Pulse?

    /// Every callback of `requests` comes on `eventLoop`; it is kept for as long as the server.
    package init(
        eventLoop: any EventLoop, settings: AgentServerSettings, exchange: HostExchange,
        requests: any AgentRequests, status: any StatusReporting, logger: Logger
    ) {
        self.exchange = exchange
        http = HTTPServer(
            eventLoop: eventLoop, settings: settings.http, budget: exchange.budget,
            sweepInterval: settings.sweepInterval, logger: logger)
        reception = Reception(
            floor: http.floor, settings: settings, exchange: exchange, requests: requests, status: status)
        http.serve(self)
    }

    /// That of its worker.
    package var eventLoop: any EventLoop { http.floor.eventLoop }

    /// The subscribers of all workers; to be used on this server's loop.
    package var hub: any RealtimeHub { reception.topics }

    /// Listening, and not told to stop.
    package var isAccepting: Bool { http.isAccepting }

    /// Connections open on this worker.
    var connectionCount: Int { http.connectionCount }

    /// How many requests wait for their answer.
    var answeringCount: Int { http.answeringCount }

    /// Checks that the agents can be served together.
    package static func validate(_ interfaces: [AgentInterface]) throws(RouteClash) {
        try RouteTable.validate(interfaces)
    }

    /// Serves these agents from the next request on; open connections stay. On the loop.
    ///
    /// What `validate` refuses changes nothing and is logged.
    package func apply(_ interfaces: [AgentInterface]) {
        eventLoop.preconditionInEventLoop()
        do throws(RouteClash) {
            reception.routes = try RouteTable(interfaces)
        } catch {
            http.floor.logger.error("routes not applied", metadata: ["error": "\(error)"])
        }
    }

    /// Begins to accept, as `HTTPServer.bind` does.
    package func bind(port: Int? = nil) -> EventLoopFuture<SocketAddress> {
        http.bind(port: port).map { [self] address in
            reception.listens(at: address)
            pulse = exchange.life.addPulse()
            return address
        }
    }

    /// Serves a connection that did not come through `bind`. On the loop; throws when the channel is closed already.
    package func serve(_ channel: any Channel) throws { try http.accept(channel) }

    /// From now on every request is answered 503; what is being answered goes on. On the loop.
    package func beginStop() {
        http.beginStop()
        exchange.life.stops()
    }

    /// Closes WebSockets with 1001, ends event streams, and closes every connection, at the latest after
    /// `settings.closeTimeout`, and by the deadline. From any thread; fulfilled when nothing is open.
    package func stop(by deadline: NIODeadline = .distantFuture) -> EventLoopFuture<Void> {
        http.stop(by: deadline).map { [self] in
            if let pulse { exchange.life.forget(pulse) }
            pulse = nil
            exchange.realtime.detach(reception.topics.worker)
        }
    }

    // MARK: Service

    /// One for each connection.
    package func responder(for connection: HTTPConnection) -> any Responder {
        RequestExchange(connection, reception)
    }

    /// The loop has turned, which the probes are told.
    package func swept() { pulse?.beat() }
}
