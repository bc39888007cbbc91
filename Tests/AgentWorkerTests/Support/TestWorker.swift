import AgentModel
import AgentScript
import Logging
import LuaRuntime
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport

@testable import AgentWorker

/// A worker whose time, brokers and subscribers are the test's.
final class TestWorker {
    let loop = EmbeddedEventLoop()
    let kafka = TestBroker()
    let mqtt = TestBroker()
    let hub = TestHub()
    let outbound = TestOutbound()
    let spool = TestSpool()
    let lines = LogLines.Store()
    let durations = TestDurations()
    let counters: [AgentCounters]
    let worker: Worker
    private let folder: ScriptFolder
    private let configure: (inout AgentSettings) -> Void
    private let limits: LuaLimits
    private var versions = 0

    /// Puts the scripts in service, each an agent. They begin with the agent's declaration unless they have one.
    init(
        _ scripts: [String], kafka hasKafka: Bool = true, mqtt hasMQTT: Bool = true, serves: Bool = true,
        limits: LuaLimits = LuaLimits(), answersWithPlaces: Bool? = nil,
        transports: [TransportTraits] = TransportTraits.all, observers: [any RunObserver] = [],
        settings: @escaping (inout AgentSettings) -> Void = { _ in }
    ) throws {
        folder = try ScriptFolder([:])
        configure = settings
        self.limits = limits
        counters = scripts.map { _ in AgentCounters() }
        let lines = lines
        let durations = durations
        worker = Worker(
            loop: loop, index: 0, counters: counters, limits: limits, outbound: outbound,
            clock: { 1_767_323_045_678 }, spool: spool, blocking: BlockingInPlace(), transports: transports,
            metrics: durations, observers: observers, pause: .zero, answersWithPlaces: answersWithPlaces,
            logger: Logger(label: "test") { _ in LogLines(lines) })
        worker.connect(.kafka, hasKafka ? kafka : nil)
        worker.connect(.mqtt, hasMQTT ? mqtt : nil)
        worker.connect(hub)
        guard serves else { return }
        for (agent, script) in scripts.enumerated() { try activate(script, agent: agent) }
        worker.beginServing()
    }

    convenience init(
        _ script: String, kafka: Bool = true, mqtt: Bool = true,
        settings: @escaping (inout AgentSettings) -> Void = { _ in }
    ) throws {
        try self.init([script], kafka: kafka, mqtt: mqtt, settings: settings)
    }

    // MARK: Versions

    /// Loads a script as the candidate.
    func load(_ script: String, agent: Int = 0) throws {
        versions += 1
        let declared = script.contains("agenthost.agent") || script.contains("agenthost.realtime_agent")
        let name = "agent\(agent).lua"
        let declaration = "local agent = agenthost.realtime_agent { name = \"agent-\(agent)\" } "
        try folder.write(declared ? script : declaration + script, to: name)
        let configure = configure
        var failure: (any Error)?
        worker.loadDirectly(
            ScriptSnapshot(path: folder.path(of: name)), agent: agent, number: versions,
            settings: { request in
                var settings = AgentSettings(serviceName: request.name)
                configure(&settings)
                return settings
            }
        ).assumeIsolated().whenFailure { failure = $0 }
        if let failure { throw failure }
    }

    /// Loads a version, and puts it in service as soon as it is ready; throws what went wrong without waiting.
    func activate(_ script: String, agent: Int = 0) throws {
        try load(script, agent: agent)
        var failure: (any Error)?
        let worker = worker
        worker.beginSwap(agent: agent).assumeIsolated().whenComplete { result in
            switch result {
            case .success: worker.commitSwap(agent: agent, swapped: {})
            case .failure(let error): failure = error
            }
        }
        loop.run()
        if let failure { throw failure }
    }

    var version: String { worker.slots[0].live?.generation.version ?? "" }

    // MARK: What comes in

    @discardableResult
    func deliver(
        _ topic: String, _ payload: String? = "{}", source: TransportTraits = .kafka, partition: Int32 = 0,
        offset: Int64 = 0
    ) -> TestMessage {
        let message = TestMessage(topic, payload, source: source, key: "k", partition: partition, offset: offset)
        worker.receive(message)
        return message
    }

    /// Asks for a task; the outcome is there once it is done.
    @discardableResult
    func task(_ type: String, query: String = "q", agent: Int = 0) -> Outcome {
        task(type, body: "{\"query\":\"\(query)\"}", agent: agent)
    }

    @discardableResult
    func task(_ type: String, body: String, agent: Int = 0) -> Outcome {
        let outcome = Outcome()
        worker.perform(TaskRequest(agent: agent, taskType: type, input: .body(ByteBuffer(string: body)))) {
            outcome.completions += 1
            outcome.value = $0
        }
        return outcome
    }

    final class Outcome {
        var completions = 0
        var value: TaskOutcome?

        var json: String? {
            if case .success(let json)? = value?.result { return String(buffer: json) }
            return nil
        }

        var error: String? {
            if case .failure(let failure)? = value?.result { return failure.description }
            return nil
        }
    }

    func advance(_ seconds: Double) {
        loop.advanceTime(by: .nanoseconds(Int64(seconds * 1e9)))
    }

    // MARK: What is left

    var errors: Int { counters[0].errors }
    var deadLetters: Int { counters[0].deadLetters }
    var laneCount: Int { worker.lanes.count }
}

struct NotDone: Error {}
