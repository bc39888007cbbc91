import AgentScript
import CoreMetrics
import LuaRuntime
import NIOCore

/// A generation in service or draining: what of it still runs on this worker.
final class LiveGeneration {
    let generation: Generation
    /// Invocations that wait; those that never wait are over before anyone could ask.
    private var waiting: [ObjectIdentifier: Invocation] = [:]
    private var timers: [Int: (timer: ScriptTimer, scheduled: Scheduled<Void>)] = [:]
    private(set) var isRetired = false
    private(set) var isClosed = false
    private var onIdle: [() -> Void] = []
    /// nil: nothing is measured.
    private var durations: HandlerDurations?

    init(_ generation: Generation, metrics: (any MetricsFactory)?) {
        self.generation = generation
        durations = metrics.map { HandlerDurations(of: generation, factory: $0) }
    }

    func timer(of function: LuaReference, _ name: HandlerName) -> (any TimerHandler)? {
        durations?.timer(of: function, name, in: generation.handlers)
    }

    var isIdle: Bool { waiting.isEmpty }
    /// Nothing waits but spawned functions, which may be loops without an end.
    var hasOnlyBackground: Bool { waiting.values.allSatisfy { $0.isBackground } }
    var waitingNames: [String] { waiting.values.map(\.name.description).sorted() }

    func hold(_ invocation: Invocation) {
        waiting[ObjectIdentifier(invocation)] = invocation
    }

    func release(_ invocation: Invocation) {
        guard !waiting.isEmpty, waiting.removeValue(forKey: ObjectIdentifier(invocation)) != nil, waiting.isEmpty
        else { return }
        let idle = onIdle
        onIdle = []
        for callback in idle { callback() }
    }

    /// Calls back once no handler waits; at once if that is so now.
    func whenIdle(_ callback: @escaping () -> Void) {
        if waiting.isEmpty { callback() } else { onIdle.append(callback) }
    }

    // MARK: Timers

    func hold(_ scheduled: Scheduled<Void>, for timer: ScriptTimer) {
        timers[timer.identifier] = (timer, scheduled)
    }

    /// The timer is over: a script that makes one for every message must not collect their functions.
    func forget(_ timer: ScriptTimer) {
        guard let held = timers.removeValue(forKey: timer.identifier) else { return }
        held.scheduled.cancel()
        if !isClosed { generation.state.stack.release(timer.function) }
    }

    /// No timer fires any more; what runs may finish.
    func retire() {
        isRetired = true
        for held in timers.values { held.scheduled.cancel() }
        timers = [:]
    }

    /// Ends what still waits, and frees the Lua state.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        retire()
        while let (_, invocation) = waiting.popFirst() { invocation.end(.ended) }
        onIdle = []
        durations?.end()
        durations = nil
        generation.close()
    }
}
