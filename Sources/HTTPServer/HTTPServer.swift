package import AgentModel
package import Logging
package import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The HTTP, WebSocket and Server-Sent Events server of one worker. Everything of it is confined to the worker's loop;
/// what the workers share is in `RealtimeExchange`.
package final class HTTPServer: @unchecked Sendable {
    /// Largest buffer that is kept for its next use.
    static let maxSpareBytes = 64 << 10

    package let eventLoop: any EventLoop
    let settings: HTTPServerSettings
    package let exchange: RealtimeExchange
    let topics: TopicHub
    let origins: OriginPolicy
    let logger: Logger
    let requests: any AgentRequests
    let status: any StatusReporting
    let files: FileThreads
    let turnEnd: TurnEnd

    private(set) var routes: RouteTable?
    private(set) var isStopping = false
    let sweepInterval: TimeAmount
    /// The time that timeouts are measured by: it goes on with the sweeps, so that it costs no look at the clock, and no
    /// client is held responsible for a pause of the host.
    private(set) var clock = NIODeadline.now()
    var heads = ResponseHeads()
    var figures: LoopFigures
    /// nil: no request is logged.
    let accessLog: AccessLog?
    var spareOutput = ByteBuffer()
    private var spareBody = ByteBuffer()
    private var spareMessage = ByteBuffer()
    private var listener: (any Channel)?
    private var gate: AcceptGate?
    /// What requests may ask for; known once the address is.
    var hosts: HostPolicy
    /// Whether answers to requests without an origin depend on there being none.
    private(set) var originsVary = false
    private var connections: [HTTPConnection] = []
    private var sweeping: RepeatedTask?
    /// That of the loop, while the server listens.
    private var pulse: HostLife.Pulse?
    private var stopped: EventLoopPromise<Void>?

    /// Every callback of `requests` comes on `eventLoop`; it is kept for as long as the server.
    package init(
        eventLoop: any EventLoop, settings: HTTPServerSettings, exchange: RealtimeExchange,
        requests: any AgentRequests, status: any StatusReporting, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.settings = settings
        sweepInterval = settings.sweepInterval
        self.exchange = exchange
        self.requests = requests
        self.status = status
        self.logger = logger
        files = FileThreads(eventLoop: eventLoop, isOnLoop: settings.hasVirtualClock)
        turnEnd = TurnEnd(eventLoop: eventLoop, mayWait: !settings.hasVirtualClock)
        origins = OriginPolicy(settings.allowedOrigins, allowsCredentials: settings.allowsCredentials)
        hosts = HostPolicy(settings.allowedHosts, isLoopback: false)
        figures = LoopFigures(board: exchange.requests)
        accessLog = settings.logsAccess ? AccessLog(logger) : nil
        topics = TopicHub(eventLoop: eventLoop, exchange: exchange, turnEnd: turnEnd)
    }

    /// The subscribers of all workers; to be used on this server's loop.
    package var hub: any RealtimeHub { topics }

    /// Listening, and not told to stop.
    package var isAccepting: Bool {
        eventLoop.preconditionInEventLoop()
        return listener != nil && !isStopping
    }

    var pages: StatusPages {
        StatusPages(snapshot: status.snapshot(), exchange: exchange)
    }

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
            routes = try RouteTable(interfaces)
        } catch {
            logger.error("routes not applied", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Listening

    /// Begins to accept on `settings.host` and `port`, or else `settings.port`; fails when the port is taken.
    ///
    /// The sockets of all workers share the port by `SO_REUSEPORT`: when the first was given port 0, the others are to
    /// be given the one it got. The first makes sure that the port is free, as the option would share it with any
    /// process of the same user.
    package func bind(port: Int? = nil) -> EventLoopFuture<SocketAddress> {
        let host = settings.host
        let port = port ?? settings.port
        let free = port == 0 || exchange.listens(on: port) ? eventLoop.makeSucceededVoidFuture() : probe(port)
        return free.flatMap { [self] in
            ServerBootstrap(group: eventLoop)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
                .serverChannelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let gate = AcceptGate(limit: exchange.connections, logger: logger)
                        self.gate = gate
                        try channel.pipeline.syncOperations.addHandler(gate)
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.writeBufferWaterMark, value: watermark)
                .childChannelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(HTTPConnection(server: self))
                    }
                }
                .bind(host: host, port: port)
        }.flatMapThrowing { [self] channel in
            guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            listener = channel
            let isLoopback = IPAddress(address).map(\.isLoopback) ?? false
            hosts = HostPolicy(settings.allowedHosts, isLoopback: isLoopback)
            originsVary = origins.varies(isLoopback: isLoopback)
            exchange.isListening(on: address.port ?? port)
            pulse = exchange.life.addPulse()
            sweeping = eventLoop.scheduleRepeatedTask(
                initialDelay: sweepInterval, delay: sweepInterval
            ) { [self] _ in sweep() }
            return address
        }
    }

    /// Fails when another socket listens on the port.
    private func probe(_ port: Int) -> EventLoopFuture<Void> {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: settings.host, port: port)
            .flatMap { $0.close() }
    }

    /// A client's queue is full at the upper mark.
    private var watermark: ChannelOptions.Types.WriteBufferWaterMark {
        .init(low: settings.clientQueueBytes / 2, high: settings.clientQueueBytes)
    }

    // MARK: Stopping

    /// From now on every request is answered 503; what is being answered goes on. On the loop.
    package func beginStop() {
        eventLoop.preconditionInEventLoop()
        isStopping = true
        exchange.life.stops()
    }

    /// Closes WebSockets with 1001, ends event streams, and closes every connection, at the latest after
    /// `settings.closeTimeout`. From any thread; fulfilled when nothing is open.
    package func stop() -> EventLoopFuture<Void> {
        eventLoop.flatSubmit { [self] in
            isStopping = true
            if let stopped { return stopped.futureResult }
            let promise = eventLoop.makePromise(of: Void.self)
            stopped = promise
            listener?.close(promise: nil)
            listener = nil
            gate = nil
            for connection in connections { connection.stop() }
            eventLoop.scheduleTask(in: settings.closeTimeout) { [self] in
                for connection in connections { connection.abort(nil) }
            }
            finishStop()
            return promise.futureResult
        }
    }

    private func finishStop() {
        guard connections.isEmpty, let stopped else { return }
        sweeping?.cancel()
        sweeping = nil
        if let pulse { exchange.life.forget(pulse) }
        exchange.detach(topics.worker)
        stopped.succeed()
    }

    // MARK: Connections

    func add(_ connection: HTTPConnection) {
        eventLoop.preconditionInEventLoop()
        connection.position = connections.count
        connections.append(connection)
        exchange.connections.opened()
        if stopped != nil { connection.abort(nil) }
    }

    /// False when it was removed before.
    func remove(_ connection: HTTPConnection) -> Bool {
        let position = connection.position
        guard position < connections.count, connections[position] === connection else { return false }
        let last = connections.removeLast()
        exchange.connections.closed()
        gate?.resume()
        if position < connections.count {
            connections[position] = last
            last.position = position
        }
        if stopped != nil { finishStop() }
        return true
    }

    /// Connections open on this worker.
    var connectionCount: Int { connections.count }

    /// How many requests wait for their task.
    var answeringCount: Int {
        connections.reduce(0) { count, connection in
            if case .answering = connection.phase { count + 1 } else { count }
        }
    }

    private func sweep() {
        clock = clock + sweepInterval
        pulse?.beat()
        for connection in connections { connection.tick(clock) }
        gate?.resume()
    }

    // MARK: Buffers used again and again

    func takeBodyBuffer() -> ByteBuffer { Self.take(&spareBody) }

    func returnBodyBuffer(_ buffer: inout ByteBuffer) { Self.putBack(&buffer, &spareBody) }

    func takeMessageBuffer() -> ByteBuffer { Self.take(&spareMessage) }

    func returnMessageBuffer(_ buffer: inout ByteBuffer) { Self.putBack(&buffer, &spareMessage) }

    private static func take(_ spare: inout ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &spare)
        buffer.clear()
        return buffer
    }

    private static func putBack(_ buffer: inout ByteBuffer, _ spare: inout ByteBuffer) {
        if buffer.storageCapacity <= maxSpareBytes { swap(&buffer, &spare) }
        buffer = ByteBuffer()
    }
}
