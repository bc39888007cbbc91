package import NIOCore

/// Where a server listens, and the limits of its connections. Sizes are bytes.
package struct HTTPSettings: Sendable {
    /// A name or an address.
    package var host: String
    /// 0 lets the system choose.
    package var port: Int

    /// How many connections may be open, over all workers; more wait to be accepted. nil: what the limit of file
    /// descriptors leaves room for.
    package var maxConnections: Int?

    /// Largest body of a request (413 beyond) and largest message of a WebSocket, all fragments together (1009 beyond).
    package var maxMessageBytes = 2 << 20
    /// What requests and messages that have not ended may hold together, over all workers; 503 and 1013 beyond.
    package var maxUnfinishedBytes: Int { max(64 << 20, 4 * maxMessageBytes) }
    /// Largest head of a request, request line and all fields together; 431 beyond.
    package var maxHeadBytes = 64 << 10
    /// 431 beyond.
    package var maxHeaderFields = 100
    /// From a request's first byte to the end of its head; 408 beyond.
    package var headTimeout: TimeAmount = .seconds(10)
    /// From the end of a request's head to the end of its body (408 beyond), and from the first frame of a WebSocket's
    /// message to the end of the last (1008 beyond).
    package var bodyTimeout: TimeAmount = .seconds(30)
    /// How long a connection is kept without a request.
    package var idleTimeout: TimeAmount = .seconds(75)
    /// How long a peer may take to end its side once the server ended its own.
    package var closeTimeout: TimeAmount = .seconds(3)
    /// What may be queued for one client of a WebSocket or an event stream before it is given up as too slow (1013).
    package var clientQueueBytes = 1 << 20

    /// Whether only a test moves the loop's clock: then files are read on the loop itself, and nothing waits for a while.
    package var hasVirtualClock = false

    /// Everything else as it is by default.
    package init(host: String = "127.0.0.1", port: Int = 8080) {
        self.host = host
        self.port = port
    }

    /// How often timeouts are looked at: a second, or a quarter of the shortest, `others` among them.
    package func sweepInterval(_ others: TimeAmount...) -> TimeAmount {
        let shortest = ([headTimeout, bodyTimeout, idleTimeout, closeTimeout] + others)
            .map(\.nanoseconds).reduce(TimeAmount.seconds(4).nanoseconds, min)
        return .nanoseconds(max(shortest / 4, TimeAmount.milliseconds(5).nanoseconds))
    }
}
