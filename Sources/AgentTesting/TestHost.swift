import AgentAPI
import AgentModel
import AgentScript
import AgentWorker
import Dispatch
import HTTP1
import Logging
import LuaRuntime
import NIOCore
import NIOEmbedded
import Reloading

/// One agent in a whole host without a network: the worker and the HTTP server of `agenthost run` on an event loop whose
/// clock only the test moves. What the agent sends is captured and acknowledged at once. Confined to the thread that
/// made it.
final class TestHost {
    /// How the settings of the agent are found; the second argument is the environment that the test gives it.
    typealias Settings = @Sendable (AgentRequestForSettings, [String: String]) throws(ScriptFailure) -> AgentSettings

    let effects = CapturedEffects()
    let faults = FaultPlan()
    let log = LogTape()
    let loop = EmbeddedEventLoop()
    let worker: Worker
    let server: AgentServer
    let outbound: OutboundCapture
    let stores: StoreCapture
    private let status = TestStatus()
    private let coverage: CoverageTally
    private let settings: (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    private let limit: TimeLimit
    /// Milliseconds since 1970 at the loop's time 0.
    private let epoch: Int64
    private var path = ""
    private var number = 0
    var offsets: [String: Int64] = [:]
    var webSockets: [TestWebSocket] = []
    var streams: [TestEventStream] = []
    var connections: [TestConnection] = []
    /// How many connections there were when the test began.
    private var connectionsBefore = (connections: 0, webSockets: 0, streams: 0)
    private var isClosed = false

    init(environment: [String: String], settings: @escaping Settings, coverage: CoverageTally, limit: TimeLimit) {
        self.settings = { (agent) throws(ScriptFailure) in try settings(agent, environment) }
        self.coverage = coverage
        self.limit = limit
        let epoch = Timestamp.now()
        let loop = loop
        self.epoch = epoch
        outbound = OutboundCapture(loop: loop, effects: effects, faults: faults)
        stores = StoreCapture(faults: faults)
        let logger = log.logger()
        worker = Worker(
            loop: loop, index: 0, counters: [status.agent.counters], limits: LuaLimits(), outbound: outbound,
            clock: { epoch + Int64(loop.now.uptimeNanoseconds / 1_000_000) }, blocking: BlockingInPlace(),
            stores: stores, observers: [coverage], pause: .zero,
            answersWithPlaces: false, logger: logger)
        var serverSettings = AgentServerSettings(host: "agent.test", port: 0)
        serverSettings.http.hasVirtualClock = true
        server = AgentServer(
            eventLoop: loop, settings: serverSettings, exchange: HostExchange(settings: serverSettings),
            requests: worker, status: status, logger: logger)
        for name in TransportName.known {
            worker.connect(name, CapturingOutlet(name, loop: loop, effects: effects, faults: faults))
        }
        worker.connect(HubCapture(hub: server.hub, effects: effects))
        server.exchange.life.isReady()
    }

    /// Milliseconds since 1970, as the agent's `agenthost.now` has them.
    var now: Int64 { epoch + Int64(loop.now.uptimeNanoseconds / 1_000_000) }

    var generation: Generation? { worker.generation(agent: 0) }
    /// `agent.state`; nil while no script is loaded.
    var state: AgentState? { generation.map { AgentState(of: $0.script) } }

    // MARK: Versions

    /// Loads a script, the first one or another version, runs its `on_start` and puts it in service. Throws with
    /// `file:line` what is wrong with it; a version before it then serves on. Returns the new version.
    func load(_ path: String) throws(ScriptFailure) -> String {
        let snapshot = ScriptSnapshot(path: path)
        let number = number + 1
        // The rollout's closures never leave the loop, which is this thread's.
        nonisolated(unsafe) let host = self
        nonisolated(unsafe) let settings = settings
        let rollout = Rollout(agent: 0, workers: [worker]) { worker in
            worker.loadDirectly(
                snapshot, agent: 0, number: number, settings: settings,
                prepare: { (generation) throws(ScriptFailure) in
                    host.coverage.expect(generation.handlers.labels.map(\.label), of: path)
                })
        }
        do {
            let interface = try wait(for: rollout.load { try AgentServer.validate([$0]) })
            worker.beginServing()
            let subscriptions = try wait(for: rollout.swap { _ in host.server.apply([interface]) })
            self.number = number
            self.path = path
            status.agent.serving(interface, version: snapshot.version, generation: number, loadedAt: now)
            status.agent.subscribed(to: subscriptions.all.sorted())
            settle()
            return snapshot.version
        } catch {
            let failure = (error as? LuaFailure).map { ScriptFailure($0.message) } ?? ScriptFailure(describing: error)
            if number > 1 { status.agent.reloadFailed(failure.message) }
            throw failure
        }
    }

    func reload() throws(ScriptFailure) -> String { try load(path) }

    private func wait<Value: Sendable>(for future: EventLoopFuture<Value>) throws -> Value {
        var result: Result<Value, any Error>?
        future.assumeIsolated().whenComplete { result = $0 }
        _ = try run { result != nil }
        guard let result else { throw ScriptFailure("it has not started within a day") }
        return try result.get()
    }

    // MARK: The clock

    /// Seconds that the clock can go, about 95 years. The loop's own ends at 2⁶⁴ nanoseconds, with timers beyond now.
    static let longest = 3e9

    /// Seconds that it has gone.
    var elapsed: Double { Double(loop.now.uptimeNanoseconds) / 1e9 }

    /// Does all that can be done without the clock moving.
    func settle() {
        // Twice: what a client answers by itself, as a close frame, is work for the server again.
        for _ in 0..<2 {
            loop.run()
            collect()
        }
    }

    /// Moves the clock, and runs what becomes due when it is due.
    func advance(by seconds: Double) throws(LuaFailure) {
        // In steps, so that a test which takes too long is noticed.
        let step = max(seconds / 1000, 0.01)
        var remaining = seconds
        while remaining > 0 {
            try limit.check()
            let part = min(step, remaining)
            remaining -= part
            loop.advanceTime(by: .nanoseconds(Int64((part * 1e9).rounded())))
        }
        settle()
        try limit.check()
    }

    /// Moves the clock on until something has come about, as a client would wait for it. False: it has not in a day.
    func run(until isDone: () -> Bool) throws(LuaFailure) -> Bool {
        settle()
        var waited = 0.0
        while !isDone() {
            guard waited < 86_400 else { return false }
            let step = waited < 60 ? 0.01 : 1
            try advance(by: step)
            waited += step
        }
        return true
    }

    func collect() {
        for connection in connections { connection.collect() }
        for webSocket in webSockets { webSocket.collect() }
        for stream in streams { stream.collect() }
    }

    // MARK: Tests

    /// Effects, faults and log begin anew; the agent and its state go on.
    func beginTest() {
        effects.removeAll()
        faults.removeAll()
        outbound.removeAll()
        log.removeAll()
        connectionsBefore = (connections.count, webSockets.count, streams.count)
    }

    /// Closes the connections that the test has opened.
    func endTest() {
        for connection in connections.dropFirst(connectionsBefore.connections) { connection.close() }
        connections.removeSubrange(min(connectionsBefore.connections, connections.count)...)
        webSockets.removeSubrange(min(connectionsBefore.webSockets, webSockets.count)...)
        streams.removeSubrange(min(connectionsBefore.streams, streams.count)...)
        settle()
    }

    /// Ends everything. The host must not be used any more.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        for connection in connections { connection.close() }
        connections = []
        webSockets = []
        streams = []
        let stopped = server.stop()
        // What still waits for a moment gets it: a reload for its handlers, the server for its clients.
        loop.advanceTime(by: .seconds(5))
        stopped.whenComplete { _ in }
        worker.close()
        loop.run()
        loop.shutdownGracefully(queue: .global()) { _ in }
    }
}
