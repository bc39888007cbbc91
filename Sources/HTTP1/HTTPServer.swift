package import Logging
package import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The connections of one loop: it listens, accepts, and closes; what is said on a connection is for others to know.
/// Confined to the loop, but for `bind` and `stop`.
package final class HTTPServer: @unchecked Sendable {
    /// What its connections have in common.
    package let floor: ConnectionFloor
    private let settings: HTTPSettings
    private let list: ConnectionList
    private weak var service: (any Service)?
    private var listener: (any Channel)?
    private var gate: AcceptGate?
    private var sweeping: RepeatedTask?
    private var stopped: EventLoopPromise<Void>?

    /// - Parameters:
    ///   - budget: that of all workers.
    ///   - sweepInterval: how often timeouts are looked at.
    package init(
        eventLoop: any EventLoop, settings: HTTPSettings, budget: ConnectionBudget, sweepInterval: TimeAmount,
        logger: Logger
    ) {
        self.settings = settings
        floor = ConnectionFloor(
            eventLoop: eventLoop, settings: settings, budget: budget, sweepInterval: sweepInterval, logger: logger)
        list = ConnectionList(budget.connections)
        list.onRemoval = { [weak self] in self?.hasRoom() }
    }

    /// What answers on the connections to come; it keeps the server, and not the server it.
    package func serve(_ service: any Service) { self.service = service }

    private var eventLoop: any EventLoop { floor.eventLoop }

    /// Listening, and not told to stop.
    package var isAccepting: Bool {
        eventLoop.preconditionInEventLoop()
        return listener != nil && !floor.isStopping
    }

    /// Connections open on this worker.
    package var connectionCount: Int { list.connections.count }

    /// How many requests wait for their answer.
    package var answeringCount: Int { list.connections.count { $0.isAnswering } }

    // MARK: Listening

    /// Begins to accept on `settings.host` and `port`, or else `settings.port`; fails when the port is taken.
    ///
    /// The sockets of all workers share the port by `SO_REUSEPORT`: when the first was given port 0, the others are to
    /// be given the one it got. The first makes sure that the port is free, as the option would share it with any
    /// process of the same user.
    package func bind(port: Int? = nil) -> EventLoopFuture<SocketAddress> {
        let host = settings.host
        let port = port ?? settings.port
        let free =
            port == 0 || floor.budget.listens(on: port) ? eventLoop.makeSucceededVoidFuture() : probe(port)
        return free.flatMap { [self] in
            ServerBootstrap(group: eventLoop)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
                // Accepted sockets inherit it, so that it costs no call of theirs.
                .serverChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: Self.unsentBytes)
                .serverChannelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let gate = AcceptGate(limit: floor.budget.connections, logger: floor.logger)
                        self.gate = gate
                        try channel.pipeline.syncOperations.addHandler(gate)
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.writeBufferWaterMark, value: watermark)
                .childChannelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture { try accept(channel) }
                }
                .bind(host: host, port: port)
        }.flatMapThrowing { [self] channel in
            guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            listener = channel
            floor.budget.isListening(on: address.port ?? port)
            sweeping = eventLoop.scheduleRepeatedTask(
                initialDelay: floor.sweepInterval, delay: floor.sweepInterval
            ) { [self] _ in sweep() }
            return address
        }
    }

    /// Serves a connection that did not come through `bind` too. On the loop; throws when the channel is closed already.
    package func accept(_ channel: any Channel) throws {
        eventLoop.preconditionInEventLoop()
        let connection = HTTPConnection(floor, list)
        try channel.pipeline.syncOperations.addHandler(connection.wire)
        connection.responder = service?.responder(for: connection)
        if stopped != nil { connection.abort(nil) }
    }

    /// A connection is gone.
    private func hasRoom() {
        gate?.resume()
        if stopped != nil { finishStop() }
    }

    /// Fails when another socket listens on the port.
    private func probe(_ port: Int) -> EventLoopFuture<Void> {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: settings.host, port: port)
            .flatMap { $0.close() }
    }

    /// How much the system takes for a connection that is not on its way yet (tcp(7), TCP_NOTSENT_LOWAT). Without a bound
    /// Linux takes some 3 MiB for a client that does not read, beside `HTTPSettings.clientQueueBytes`; what is on its way
    /// is not counted, so that a long fat line is filled all the same.
    private static let unsentBytes: SocketOptionValue = 128 << 10

    /// A client's queue is full at the upper mark.
    private var watermark: ChannelOptions.Types.WriteBufferWaterMark {
        .init(low: settings.clientQueueBytes / 2, high: settings.clientQueueBytes)
    }

    private func sweep() {
        floor.sweep()
        service?.swept()
        for connection in list.connections { connection.tick(floor.clock) }
        gate?.resume()
    }

    // MARK: Stopping

    /// From now on clients are told that their connections end. On the loop.
    package func beginStop() {
        eventLoop.preconditionInEventLoop()
        floor.isStopping = true
    }

    /// Ends what connections have become, and closes every connection, at the latest after `settings.closeTimeout`, and by the deadline. From
    /// any thread; fulfilled when nothing is open.
    package func stop(by deadline: NIODeadline = .distantFuture) -> EventLoopFuture<Void> {
        eventLoop.flatSubmit { [self] in
            floor.isStopping = true
            if let stopped { return stopped.futureResult }
            let promise = eventLoop.makePromise(of: Void.self)
            stopped = promise
            listener?.close(promise: nil)
            listener = nil
            gate = nil
            for connection in list.connections { connection.stop() }
            eventLoop.scheduleTask(deadline: min(deadline, eventLoop.now + settings.closeTimeout)) { [self] in
                for connection in list.connections { connection.abort(nil) }
            }
            finishStop()
            return promise.futureResult
        }
    }

    private func finishStop() {
        guard list.connections.isEmpty, let stopped else { return }
        sweeping?.cancel()
        sweeping = nil
        stopped.succeed()
    }
}
