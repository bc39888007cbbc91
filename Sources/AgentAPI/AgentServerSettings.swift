package import HTTP1
package import NIOCore
package import Realtime

/// How a host is served: its connections, who may come in, and what clients are kept. Sizes are bytes.
package struct AgentServerSettings: Sendable {
    /// Where it listens, and the limits of connections.
    package var http: HTTPSettings
    /// Origins (`https://console.example.org`) that browsers may call from, beside the server's own; `*` is every one.
    package var allowedOrigins: [String]
    /// Whether pages of those origins may send cookies and other credentials.
    package var allowsCredentials = false
    /// Names that requests may ask for, beside `localhost` and addresses; `*.domain` is every one below, `*` every one.
    /// Without any, a server that is not on loopback answers to all.
    package var allowedHosts: [String] = []

    /// Whether a line is logged for each request.
    package var logsAccess = false

    /// A loop that has not turned for longer is stuck, and `/livez` says so.
    package var stuckAfter: TimeAmount = .seconds(10)

    /// How many topics one WebSocket may subscribe to.
    package var maxSubscriptions = 1024
    /// How often a WebSocket is pinged.
    package var pingInterval: TimeAmount = .seconds(20)
    /// How long a WebSocket may be silent, pings unanswered.
    package var pongTimeout: TimeAmount = .seconds(60)

    /// A comment keeps proxies from closing a silent event stream.
    package var commentInterval: TimeAmount = .seconds(15)
    package var window = EventWindow()

    /// Everything else as it is by default.
    package init(host: String = "127.0.0.1", port: Int = 8080, allowedOrigins: [String] = []) {
        http = HTTPSettings(host: host, port: port)
        self.allowedOrigins = allowedOrigins
    }

    var sweepInterval: TimeAmount { http.sweepInterval(pingInterval, pongTimeout, commentInterval, stuckAfter) }
}
