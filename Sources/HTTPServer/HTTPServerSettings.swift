package import NIOCore

/// Where the server listens, and its limits. Sizes are bytes.
package struct HTTPServerSettings: Sendable {
    package var host: String
    /// 0 lets the system choose.
    package var port: Int
    /// Origins (`https://console.example.org`) that browsers may call from, beside the server's own; `*` is every one.
    package var allowedOrigins: [String]

    /// Largest body of a request; 413 beyond.
    package var maxBodyBytes = 2 << 20
    /// Largest head of a request, request line and all fields together; 431 beyond.
    package var maxHeadBytes = 64 << 10
    /// 431 beyond.
    package var maxHeaderFields = 100
    /// From a request's first byte to the end of its head; 408 beyond.
    package var headTimeout: TimeAmount = .seconds(10)
    /// From the end of a request's head to the end of its body; 408 beyond.
    package var bodyTimeout: TimeAmount = .seconds(30)
    /// How long a connection is kept without a request.
    package var idleTimeout: TimeAmount = .seconds(75)
    /// How long a peer may take to end its side once the server ended its own.
    package var closeTimeout: TimeAmount = .seconds(3)

    /// Largest message of an enveloped WebSocket, all fragments together; 1009 beyond.
    package var maxMessageBytes = 1 << 20
    /// Largest message of a raw WebSocket endpoint, all fragments together; 1009 beyond.
    package var maxRawMessageBytes = 16 << 20
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
    /// How many bytes all topics keep together; the topic least recently published to gives way.
    package var totalWindowBytes = 256 << 20

    package init(host: String = "127.0.0.1", port: Int = 8080, allowedOrigins: [String] = []) {
        self.host = host
        self.port = port
        self.allowedOrigins = allowedOrigins
    }

    /// How often timeouts are looked at: a second, or a quarter of the shortest.
    var sweepInterval: TimeAmount {
        let shortest = [
            headTimeout, bodyTimeout, idleTimeout, closeTimeout, pingInterval, pongTimeout, commentInterval,
        ]
        .map(\.nanoseconds).reduce(TimeAmount.seconds(4).nanoseconds, min)
        return .nanoseconds(max(shortest / 4, TimeAmount.milliseconds(5).nanoseconds))
    }
}
