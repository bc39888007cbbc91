import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// The place of one agent in a worker: the generation in service, and what waits for it.
final class AgentSlot {
    let index: Int
    let counters: WorkerCounters
    private(set) var live: LiveGeneration?
    /// Loaded, not yet in service.
    var candidate: LiveGeneration?
    /// Set while the candidate takes the place of the version in service: nothing begins until it is over.
    var swap: Swap?
    private var held: [() -> Void] = []
    /// Replaced versions whose handlers still run.
    var draining: [LiveGeneration] = []
    private(set) var settings: AgentSettings
    private(set) var interface: AgentInterface?
    private(set) var isRealtime = false

    var runningTasks = 0
    var queuedTasks: CircularBuffer<QueuedTask> = []

    /// Whom the effects are of that no message caused; has the slot, until that is closed.
    var looseEffects: (any ScopeOwner)?

    /// Those that the configuration names, by transport.
    private var configured: [TransportName: [TopicFilter]] = [:]

    struct QueuedTask {
        var request: TaskRequest
        var received: NIODeadline
        var completion: (TaskOutcome) -> Void
    }

    /// A swap under way and what belongs to it.
    final class Swap {
        var machine = VersionSwap()
        let began: NIODeadline
        /// Ready, or failed.
        let promise: EventLoopPromise<Void>
        var patience: Scheduled<Void>?
        /// What the host does in the turn in which the new version begins to serve.
        var swapped: () -> Void = {}

        init(promise: EventLoopPromise<Void>, began: NIODeadline) {
            self.promise = promise
            self.began = began
        }
    }

    init(index: Int, counters: WorkerCounters) {
        self.index = index
        self.counters = counters
        settings = AgentSettings(serviceName: "")
    }

    func serve(_ live: LiveGeneration) {
        self.live = live
        if let declaration = live.generation.declaration {
            settings = declaration.settings
            interface = declaration.interface
            isRealtime = declaration.interface.isRealtime
        }
        configured = settings.topics.mapValues { $0.compactMap { try? TopicFilter($0) } }
    }

    /// Whether what comes now waits for a swap to be over.
    var isHeld: Bool { swap != nil }

    /// Does something that may run a function of the script: at once, or when the swap under way is over.
    func whenOpen(_ work: @escaping () -> Void) {
        if isHeld { held.append(work) } else { work() }
    }

    func takeHeld() -> [() -> Void] {
        defer { held = [] }
        return held
    }

    /// Every generation on this worker but the candidate.
    var generations: [LiveGeneration] { live.map { draining + [$0] } ?? draining }

    /// The generation that a Lua state belongs to; nil once it is closed.
    func live(of script: ScriptContext) -> LiveGeneration? {
        if let live, live.generation.script === script { return live }
        if let candidate, candidate.generation.script === script { return candidate }
        return draining.first { $0.generation.script === script }
    }

    /// Ends what still waits and frees the Lua states; nothing is served any more.
    func close() {
        let all = generations + (candidate.map { [$0] } ?? [])
        swap?.patience?.cancel()
        swap?.promise.fail(ScriptFailure("the host is stopping"))
        swap = nil
        held = []
        looseEffects = nil
        live = nil
        candidate = nil
        draining = []
        for generation in all { generation.close() }
    }

    /// nil while no generation is in service.
    func makeRoute(_ origin: MessageOrigin) -> MessageRoute? {
        guard let live else { return nil }
        let handlers = live.generation.handlers.messages(topic: origin.topic, on: origin.transport)
        let isConfigured = (configured[origin.transport.name] ?? []).contains { filter in
            origin.transport.hasFilters ? filter.matches(origin.topic) : filter.text == origin.topic
        }
        return MessageRoute(live, handlers: handlers, isWanted: !handlers.isEmpty || isConfigured)
    }
}

extension AgentSlot {
    /// nil while no version has been in service.
    var figures: WorkerFigures.Agent? {
        guard let name = interface?.name else { return nil }
        let states = generations + [candidate].compactMap { $0 }
        return WorkerFigures.Agent(
            name: name, luaMemory: states.reduce(0) { $0 + $1.generation.state.memoryInUse },
            versions: states.count, runningTasks: runningTasks, queuedTasks: queuedTasks.count)
    }
}
