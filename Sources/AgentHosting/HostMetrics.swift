import AgentAPI
import AgentMetrics
import AgentModel
import AgentScript
import AgentWorker
import Synchronization

/// What a host measures, by the names under which Prometheus finds it.
///
/// Counts are read when they are asked for. What only a worker's loop may look at, it looks at itself every few seconds
/// (`WorkerSample`), so that an asking waits for no loop.
final class HostMetrics: Sendable {
    static let loopDelay = "agenthost_loop_delay_seconds"
    private static let requests = "agenthost_http_requests_total"
    private static let requestDuration = "agenthost_http_request_duration_seconds"
    private static let sampled = "Looked at every \(WorkerMeter.samplesEvery) s."

    let registry = PrometheusRegistry(
        help: help.merging(ProcessFigures.help) { $1 })
    private static let help = [
        "agenthost_build_info": "1, with the version of the program.",
        requests: "HTTP requests answered, by the template of their route; status 499 if the client was gone before.",
        requestDuration: "Time from the end of a request's head to its answer, or to the beginning of a stream.",
        "agenthost_messages_total": "Messages and tasks that reached an agent.",
        "agenthost_errors_total": "Handlers that failed.",
        "agenthost_retries_total": "Messages tried again after a failure.",
        "agenthost_dead_letters_total": "Messages given up and delivered to a dead-letter topic, or kept in the spool.",
        "agenthost_dead_letters_waiting":
            "Dead letters that could be neither delivered nor kept yet; their partitions stand still.",
        "agenthost_dead_letters_kept": "Dead letters that no broker took, kept in the spool.",
        "agenthost_embedded_broker": "1 for a development broker that the host runs itself, in memory.",
        "agenthost_stopped_lanes": "Partitions and topics that stand still after a failure, until the next reload.",
        "agenthost_handler_duration_seconds":
            "Time from the start of a handler to its end, its waits included; while its script version is there.",
        "agenthost_script_generation": "Script versions put in service since the host started.",
        "agenthost_script_info": "1, with the script version in service.",
        "agenthost_reloads_total": "Reloads, and whether the new version came into service.",
        "agenthost_reload_failed": "1 while the last reload failed and the version before serves.",
        "agenthost_websockets": "WebSockets open.",
        "agenthost_connection_up": "1 while a broker connection is up.",
        "agenthost_messages_under_way":
            "Messages whose handlers run or wait, or whose effects are not all acknowledged. \(sampled)",
        "agenthost_kafka_lag_messages": "Messages of an assigned partition that are not yet handled. \(sampled)",
        "agenthost_kafka_unacknowledged_messages":
            "Messages of an assigned partition that were taken and not yet acknowledged. \(sampled)",
        "agenthost_kafka_queued_records": "Records that no broker has acknowledged yet. \(sampled)",
        "agenthost_kafka_queue_capacity": "How many such records a worker lets wait before it refuses more. \(sampled)",
        "agenthost_kafka_paused":
            "1 while an assigned partition is not fetched, since too many of its messages are unacknowledged. \(sampled)",
        "agenthost_kafka_oldest_unacknowledged_seconds":
            "How long the oldest unacknowledged message of an assigned partition has been that. \(sampled)",
        "agenthost_script_versions_live":
            "Versions of an agent in a worker: in service, loading, and leaving with handlers under way. \(sampled)",
        "agenthost_mqtt_unsettled_publications": "Publications that are neither acknowledged nor failed.",
        "agenthost_tasks_running": "Tasks begun and not ended. \(sampled)",
        "agenthost_tasks_queued": "Tasks that wait for others to end. \(sampled)",
        "agenthost_lua_memory_bytes":
            "Memory of an agent's Lua states, those of versions that are leaving included. \(sampled)",
        loopDelay: "How late an event loop ran a timer that is due once a second.",
    ]
    private let webSockets = Atomic<Int>(0)
    /// By worker.
    private let samples = Mutex<[Int: WorkerSample]>([:])

    init(agents: [AgentStatus]) {
        ProcessFigures.observe(in: registry)
        registry.observe("agenthost_build_info", isCounter: false) {
            [Observation([("version", AgentHostVersion.text)], 1)]
        }
        observe(agents)
        observeSamples()
        registry.observe("agenthost_websockets", isCounter: false) { [weak self] in
            self.map { [Observation([], Double($0.webSockets.load(ordering: .relaxed)))] } ?? []
        }
    }

    /// What the status of an agent counts already.
    private func observe(_ agents: [AgentStatus]) {
        func observe(
            _ label: String, isCounter: Bool = true, _ read: @escaping @Sendable (AgentCounters) -> Int
        ) {
            registry.observe(label, isCounter: isCounter) {
                agents.compactMap { agent in
                    agent.interface.map { Observation([("agent", $0.name)], Double(read(agent.counters))) }
                }
            }
        }
        observe("agenthost_messages_total") { $0.messages }
        observe("agenthost_errors_total") { $0.errors }
        observe("agenthost_retries_total") { $0.retries }
        observe("agenthost_dead_letters_total") { $0.deadLetters }
        observe("agenthost_dead_letters_waiting", isCounter: false) { $0.waitingDeadLetters }
        observe("agenthost_stopped_lanes", isCounter: false) { $0.stoppedLanes }
        registry.observe("agenthost_reloads_total", isCounter: true) {
            agents.flatMap { agent -> [Observation] in
                guard let name = agent.interface?.name else { return [] }
                return [
                    ("success", agent.counters.reloads.load(ordering: .relaxed)),
                    ("failure", agent.counters.failedReloads.load(ordering: .relaxed)),
                ].map { Observation([("agent", name), ("result", $0.0)], Double($0.1)) }
            }
        }
        registry.observe("agenthost_script_generation", isCounter: false) {
            agents.compactMap(\.snapshot).map {
                Observation([("agent", $0.interface.name)], Double($0.script.generation))
            }
        }
        registry.observe("agenthost_script_info", isCounter: false) {
            agents.compactMap(\.snapshot).map {
                Observation([("agent", $0.interface.name), ("version", $0.script.version)], 1)
            }
        }
        registry.observe("agenthost_reload_failed", isCounter: false) {
            agents.compactMap(\.snapshot).map {
                Observation([("agent", $0.interface.name)], $0.script.reloadError == nil ? 0 : 1)
            }
        }
    }

    private func observeSamples() {
        func observe(_ label: String, _ read: @escaping @Sendable (WorkerSample) -> [Observation]) {
            registry.observe(label, isCounter: false) { [weak self] in
                // The latest last: a partition that has moved to another worker is shown as that one has it.
                let samples = self?.samples.withLock { $0.values.sorted { $0.taken < $1.taken } }
                return samples?.flatMap(read) ?? []
            }
        }
        func observeAgents(_ label: String, _ read: @escaping @Sendable (WorkerFigures.Agent) -> Int) {
            observe(label) { sample in
                sample.figures.agents.map {
                    Observation([("agent", $0.name), ("worker", "\(sample.worker)")], Double(read($0)))
                }
            }
        }
        observe("agenthost_messages_under_way") {
            [Observation([("worker", "\($0.worker)")], Double($0.figures.messagesUnderWay))]
        }
        observe("agenthost_kafka_queued_records") { sample in
            sample.queuedRecords.map { [Observation([("worker", "\(sample.worker)")], Double($0))] } ?? []
        }
        observe("agenthost_kafka_queue_capacity") { sample in
            sample.queueCapacity.map { [Observation([("worker", "\(sample.worker)")], Double($0))] } ?? []
        }
        observe("agenthost_kafka_paused") { sample in
            sample.partitions.map { Observation($0.dimensions, $0.isPaused ? 1 : 0) }
        }
        observe("agenthost_kafka_oldest_unacknowledged_seconds") { sample in
            sample.partitions.map { Observation($0.dimensions, $0.oldestAge) }
        }
        observe("agenthost_kafka_lag_messages") { sample in
            sample.partitions.compactMap { partition in
                partition.lag.map { Observation(partition.dimensions, Double($0)) }
            }
        }
        observe("agenthost_kafka_unacknowledged_messages") { sample in
            sample.partitions.map { Observation($0.dimensions, Double($0.unacknowledged)) }
        }
        observeAgents("agenthost_script_versions_live") { $0.versions }
        observeAgents("agenthost_lua_memory_bytes") { $0.luaMemory }
        observeAgents("agenthost_tasks_running") { $0.runningTasks }
        observeAgents("agenthost_tasks_queued") { $0.queuedTasks }
    }

    /// The connections that there are now, as they are now.
    func observe(connections: @escaping @Sendable () -> [ConnectionStatus.Report]) {
        registry.observe("agenthost_connection_up", isCounter: false) {
            connections().map {
                Observation(
                    [("type", $0.connectionType), ("endpoint", $0.endpoint)], $0.status == .connected ? 1 : 0)
            }
        }
    }

    func observe(embedded kinds: @escaping @Sendable () -> [String]) {
        registry.observe("agenthost_embedded_broker", isCounter: false) {
            kinds().map { Observation([("type", $0), ("storage", "in memory")], 1) }
        }
    }

    func observe(spooled count: @escaping @Sendable () -> Int) {
        registry.observe("agenthost_dead_letters_kept", isCounter: false) { [Observation([], Double(count()))] }
    }

    func observe(_ board: RequestBoard) {
        @Sendable func dimensions(_ kind: RequestBoard.Kind) -> [(String, String)] {
            [("route", kind.route), ("method", kind.method)]
        }
        registry.observe(Self.requests, isCounter: true) {
            board.totals().map {
                Observation(dimensions($0.kind) + [("status", "\($0.status)")], Double($0.count))
            }
        }
        registry.observeHistograms(Self.requestDuration, bounds: RequestBoard.bounds) {
            board.durations().map { HistogramObservation(dimensions($0.kind), buckets: $0.buckets, sum: $0.sum) }
        }
    }

    /// Takes the place of the transport of the name before it.
    func observe(_ transport: any Transport, _ name: TransportName) {
        guard transport.unsettled != nil else { return }
        registry.observe("agenthost_\(name)_unsettled_publications", isCounter: false) { [weak transport] in
            transport?.unsettled.map { [Observation([], Double($0))] } ?? []
        }
    }

    /// What waits in transports that have records of a worker's own, by worker.
    var backlogs: [HostSnapshot.Backlog] {
        samples.withLock { samples in
            samples.values.filter { $0.queuedRecords != nil }.sorted { $0.worker < $1.worker }.map {
                HostSnapshot.Backlog(
                    worker: $0.worker, partitions: $0.partitions, queuedRecords: $0.queuedRecords,
                    queueCapacity: $0.queueCapacity)
            }
        }
    }

    /// From a worker's loop.
    func take(_ sample: WorkerSample) {
        samples.withLock { $0[sample.worker] = sample }
    }

    func text(webSockets open: Int) -> String {
        webSockets.store(open, ordering: .relaxed)
        return registry.text()
    }
}
