import AgentScript
import LuaRuntime
import NIOCore

/// A generation in service or draining: what of it still runs on this worker.
final class LiveGeneration {
    let generation: Generation
    /// Invocations that wait; those that never wait are over before anyone could ask.
    private var waiting: [ObjectIdentifier: Invocation] = [:]
    private var timers: [Int: (timer: ScriptTimer, scheduled: Scheduled<Void>)] = [:]
    /// Declared before the version was put in service: timers begin with it.
    private var declaredTimers: [ScriptTimer]
    private var isInService = false
    private(set) var isRetired = false
    private(set) var isClosed = false
    private var onRelease: [() -> Void] = []
    /// Functions that run, wait, or are to begin.
    private(set) var underWay = 0
    /// HTTP requests that have not completed.
    var pendingRequests = 0
    /// nil: nobody asks what runs, or the version is closed.
    private(set) var observer: (any RunObserver)?

    /// Timers that are cancelled when the version ends; more of them fire for nothing.
    private static let cancelledTimers = 100
    /// For the to-be-closed variables of all functions that still wait at the end.
    private static let closingTime = TimeAmount.seconds(1)

    init(_ generation: Generation, observer: (any RunObserver)?) {
        self.generation = generation
        declaredTimers = generation.handlers.timers
        self.observer = observer
    }

    var isIdle: Bool { waiting.isEmpty }
    /// Nothing waits but spawned functions, which may be loops without an end.
    var hasOnlyBackground: Bool { waiting.values.allSatisfy { $0.isBackground } }
    var waitingNames: [String] { waiting.values.map(\.name.description).sorted() }
    /// Those that wait and whose end is waited for.
    var waitingHandlers: [Invocation] { waiting.values.filter { !$0.isBackground } }

    var timerCount: Int { timers.count + declaredTimers.count }

    func enter() { underWay += 1 }
    func leave() { underWay -= 1 }

    func hold(_ invocation: Invocation) {
        waiting[ObjectIdentifier(invocation)] = invocation
    }

    /// Nothing waits but spawned functions that had been running for a second at the given time: what has no end by
    /// then may have none.
    func isQuiet(after time: NIODeadline) -> Bool {
        waiting.values.allSatisfy { $0.isBackground && $0.began + .seconds(1) < time }
    }

    func release(_ invocation: Invocation) {
        guard !waiting.isEmpty, waiting.removeValue(forKey: ObjectIdentifier(invocation)) != nil, !onRelease.isEmpty
        else { return }
        let callbacks = onRelease
        onRelease = []
        for callback in callbacks { callback() }
    }

    /// Calls back once, when the next of those that wait has ended.
    func afterNextRelease(_ callback: @escaping () -> Void) {
        onRelease.append(callback)
    }

    // MARK: Timers

    /// False: the timer is kept until the version is put in service.
    func mayBegin(_ timer: ScriptTimer) -> Bool {
        if !isInService { declaredTimers.append(timer) }
        return isInService
    }

    /// The version is in service now: the timers to begin.
    func beginTimers() -> [ScriptTimer] {
        isInService = true
        defer { declaredTimers = [] }
        return declaredTimers.filter { !$0.isCancelled }
    }

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
        // Very many are left to themselves: for each one NIO would look through all of its timers.
        if timers.count <= Self.cancelledTimers {
            for held in timers.values { held.scheduled.cancel() }
        }
        timers = [:]
    }

    /// Ends what still waits, and frees the Lua state.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        retire()
        let end = NIODeadline.now() + Self.closingTime
        while let (_, invocation) = waiting.popFirst() {
            // What waits may be very much, and every to-be-closed variable may take a slice of its own.
            if NIODeadline.now() > end { generation.state.dropWaiting() }
            invocation.end(.ended)
        }
        onRelease = []
        observer?.closed(generation)
        observer = nil
        generation.close()
    }
}
