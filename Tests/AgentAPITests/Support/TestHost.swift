import AgentModel
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import AgentAPI
@testable import HTTP1

/// The server of each worker of a host, listening on one port of loopback.
struct TestHost: Sendable {
    let port: Int
    let servers: [AgentServer]
    /// One for each server, to be used on its loop.
    let requests: [NIOLoopBound<ScriptedRequests>]
    let group: MultiThreadedEventLoopGroup

    static let realtime = agent(
        "vitals-agent",
        tasks: [
            "echo", "later", "held", "release", "large", "raw_events", "invalid_json", "invalid_utf8", "invalid",
            "failed", "timed_out", "queue_full", "unavailable", "nothing",
        ])

    static func agent(_ name: String, isRealtime: Bool = true, tasks: [String] = []) -> AgentInterface {
        AgentInterface(
            name: name, description: "", isRealtime: isRealtime, websocketEnabled: isRealtime, platform: "clinic",
            agentType: "developer", implementation: "deterministic", capabilities: ["triage"],
            taskTypes: tasks.sorted(),
            endpoints: tasks.map { .init(path: "/" + $0.replacing("_", with: "-"), method: "POST", taskType: $0) }
                + (tasks.contains("echo") ? [.init(path: "/ask", method: "GET", taskType: "echo")] : []),
            websocketEndpoints: isRealtime
                ? [
                    .init(path: "/ws/\(name)", autoSubscribe: ["alerts", "vitals"], isRaw: false),
                    .init(path: "/raw/\(name)", autoSubscribe: [], isRaw: true),
                ] : [],
            streamingEndpoints: isRealtime ? [.init(path: "/alerts/\(name)", topic: "alerts")] : [])
    }

    /// Runs a host for as long as the body runs.
    static func run<Result>(
        _ interfaces: [AgentInterface]? = [TestHost.realtime], workers: Int = 1,
        health: HostSnapshot.Health = .healthy, settings: AgentServerSettings = .with { _ in },
        _ body: (TestHost) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: workers)
        let exchange = HostExchange(settings: settings)
        var servers: [AgentServer] = []
        var requests: [NIOLoopBound<ScriptedRequests>] = []
        var port: Int?
        for loop in group.makeIterator() {
            let (server, scripted) = try await loop.submit { [settings] in
                let scripted = ScriptedRequests(eventLoop: loop)
                let server = AgentServer(
                    eventLoop: loop, settings: settings, exchange: exchange, requests: scripted,
                    status: ScriptedStatus(interfaces ?? [], health: health), logger: Logger(label: "test"))
                if let interfaces { server.apply(interfaces) }
                return (server, NIOLoopBound(scripted, eventLoop: loop))
            }.get()
            let address = try await server.bind(port: port).get()
            port = address.port
            servers.append(server)
            requests.append(scripted)
        }
        let host = TestHost(port: try #require(port), servers: servers, requests: requests, group: group)
        do {
            let result = try await body(host)
            try await host.stop()
            return result
        } catch {
            try await host.stop()
            throw error
        }
    }

    private func stop() async throws {
        for server in servers { try await server.stop().get() }
        try await group.shutdownGracefully()
    }

    // MARK: What a script would do

    /// Runs on a worker's loop, with its hub.
    func onWorker<Result: Sendable>(
        _ worker: Int = 0, _ body: @escaping @Sendable (any RealtimeHub) -> Result
    ) async throws -> Result {
        let server = servers[worker]
        return try await server.eventLoop.submit { body(server.hub) }.get()
    }

    /// Connections to the first worker.
    var connectionCount: Int {
        get async throws { try await servers[0].eventLoop.submit { [servers] in servers[0].connectionCount }.get() }
    }

    func publish(_ topic: String, _ json: String, worker: Int = 0) async throws -> Int {
        try await onWorker(worker) { $0.publish(topic: topic, data: ByteBuffer(string: json)) }
    }

    func emit(_ type: String, topic: String? = nil, worker: Int = 0) async throws {
        try await onWorker(worker) { hub in
            hub.emit(
                RealtimeEvent(
                    eventID: Identifier.random(), eventType: type, sourceService: "test",
                    data: ByteBuffer(string: "{\"n\":1}"), timestamp: Timestamp.now(), topic: topic))
        }
    }

    /// Waits until something holds; the loop of the test's time limit ends what never does.
    func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { await Task.yield() }
    }

    // MARK: Requests

    /// One request on a connection of its own.
    func request(_ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:])
        async throws -> Reply
    {
        try await RawConnection.open(port) { connection in
            var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            if body != nil, headers["Content-Type"] == nil { text += "Content-Type: application/json\r\n" }
            if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
            try await connection.send(text + "\r\n" + (body ?? ""))
            return try await connection.reply(isHead: method == "HEAD")
        }
    }
}

extension AgentServerSettings {
    /// Settings for a test, on a free port; peers are slow when a machine is busy.
    static func with(_ change: (inout AgentServerSettings) -> Void) -> AgentServerSettings {
        var settings = AgentServerSettings(port: 0)
        settings.http.closeTimeout = .seconds(20)
        // Requests of raw bytes ask for the host "a".
        settings.allowedHosts = ["a"]
        change(&settings)
        return settings
    }
}
