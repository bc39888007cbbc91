package import NIOCore

/// Where the server listens, and its limits. Sizes are bytes.
package struct HTTPServerSettings: Sendable {
    package var host: String
    /// 0 lets the system choose.
    package var port: Int
    /// Origins (`https://console.example.org`) that browsers may call from, beside the server's own; `*` is every one.
    package var allowedOrigins: [String]
    /// Whether pages of those origins may send cookies and other credentials.
    package var allowsCredentials = false
    /// Names that requests may ask for, beside `localhost` and addresses; `*.domain` is every one below, `*` every one.
    /// Without any, a server that is not on loopback answers to all.
    package var allowedHosts: [String] = []

    /// Whether a line is logged for each request.
    package var logsAccess = false

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

    /// A loop that has not turned for longer is stuck, and `/livez` says so.
    package var stuckAfter: TimeAmount = .seconds(10)

    /// How many topics one WebSocket may subscribe to.
    package var maxSubscriptions = 1024
    /// What may be queued for one client of a WebSocket or an event stream before it is given up as too slow (1013).
    package var clientQueueBytes = 1 << 20
    package var pingInterval: TimeAmount = .seconds(20)
    /// How long a WebSocket may be silent, pings unanswered.
    package var pongTimeout: TimeAmount = .seconds(60)

    /// A comment keeps proxies from closing a silent event stream.
    package var commentInterval: TimeAmount = .seconds(15)
    /// How many events of a topic can be resumed.
    package var windowEvents = 10_000
    /// How many bytes of events of a topic can be resumed.
    package var windowBytes = 64 << 20
    /// How many bytes all topics keep together; those that nobody reads give way first, of them and of the others the
    /// one least recently published to.
    package var totalWindowBytes = 256 << 20

    /// Whether only a test moves the loop's clock: then files are read on the loop itself, and nothing waits for a while.
    package var hasVirtualClock = false

    package init(host: String = "127.0.0.1", port: Int = 8080, allowedOrigins: [String] = []) {
        self.host = host
        self.port = port
        self.allowedOrigins = allowedOrigins
    }

    /// How often timeouts are looked at: a second, or a quarter of the shortest.
    var sweepInterval: TimeAmount {
        let shortest = [
            headTimeout, bodyTimeout, idleTimeout, closeTimeout, pingInterval, pongTimeout, commentInterval,
            stuckAfter,
        ]
        .map(\.nanoseconds).reduce(TimeAmount.seconds(4).nanoseconds, min)
        return .nanoseconds(max(shortest / 4, TimeAmount.milliseconds(5).nanoseconds))
    }
}
