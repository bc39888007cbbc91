import AgentScript
import NIOCore

/// A generation in service or draining: what of it still runs on this worker.
final class LiveGeneration {
    let generation: Generation
    /// Invocations that wait; those that never wait are over before anyone could ask.
    private var waiting: [ObjectIdentifier: Invocation] = [:]
    private var timers: [Int: Scheduled<Void>] = [:]
    private(set) var isRetired = false
    private(set) var isClosed = false
    private var onIdle: [() -> Void] = []

    init(_ generation: Generation) {
        self.generation = generation
    }

    var isIdle: Bool { waiting.isEmpty }
    var waitingNames: [String] { waiting.values.map(\.name).sorted() }

    func hold(_ invocation: Invocation) {
        waiting[ObjectIdentifier(invocation)] = invocation
    }

    func release(_ invocation: Invocation) {
        guard waiting.removeValue(forKey: ObjectIdentifier(invocation)) != nil, waiting.isEmpty else { return }
        let idle = onIdle
        onIdle = []
        for callback in idle { callback() }
    }

    /// Calls back once no handler waits; at once if that is so now.
    func whenIdle(_ callback: @escaping () -> Void) {
        if waiting.isEmpty { callback() } else { onIdle.append(callback) }
    }

    func hold(_ scheduled: Scheduled<Void>, for timer: ScriptTimer) {
        timers[timer.identifier] = scheduled
    }

    func cancel(_ timer: ScriptTimer) {
        timers.removeValue(forKey: timer.identifier)?.cancel()
    }

    /// No timer fires any more; what runs may finish.
    func retire() {
        isRetired = true
        for timer in timers.values { timer.cancel() }
        timers = [:]
    }

    /// Ends what still waits, and frees the Lua state.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        retire()
        for invocation in waiting.values { invocation.end(.timedOut) }
        waiting = [:]
        generation.close()
    }
}
