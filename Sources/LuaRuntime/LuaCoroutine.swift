internal import CLua
internal import CLuaBridge

/// A pooled root coroutine: what a handler runs in.
package final class LuaCoroutine {
    package enum Step {
        /// The function returned; this many results are on top of the coroutine's stack.
        case returned(Int32)
        /// A host function waits, in this coroutine or in one of the script's own below it.
        case waiting
        case failed(LuaError)
        /// The coroutine did not wait: nothing has happened, and the results pushed for it are gone.
        case notWaiting
    }

    package let stack: LuaStack
    /// The embedding's own; cleared by `recycle`.
    package var context: AnyObject?

    let anchor: LuaReference
    /// Set while the coroutine is in use: so a state lives until the last of its coroutines is given back, and the
    /// pool, which the state owns, does not own the state.
    private var owner: LuaState?
    /// Whether it has yielded to wait for the host: only then may it be resumed. False inside the call that makes it wait.
    package private(set) var isWaiting = false
    private var isRunning = false
    /// It was recycled by what it runs.
    private var isGivenUp = false
    private var isBroken = false

    init(stack: LuaStack, anchor: LuaReference) {
        self.stack = stack
        self.anchor = anchor
    }

    deinit {
        owner?.discard(anchor)
    }

    func take(by state: LuaState) {
        owner = state
    }

    private var state: LuaState {
        guard let owner else { preconditionFailure("a coroutine was used after it was recycled") }
        return owner
    }

    /// Runs the function and the arguments that have been pushed on `stack`, under `budget` of CPU time (by default
    /// the limits' slice). With `mayWait` false a host function that would wait raises instead.
    package func start(arguments: Int32, budget: Duration? = nil, mayWait: Bool = true) -> Step {
        let state = self.state
        let outer = state.running
        state.running = self
        defer { state.running = outer }
        var count: Int32 = 0
        let nanoseconds = budget?.nanoseconds ?? state.slice
        isRunning = true
        let step = lb_start(stack.thread, arguments, nanoseconds, mayWait, budget == nil, &count)
        return finish(step, count, in: state)
    }

    /// As `start`, for a call that is not a handler: `LuaState.running` stays what it is.
    func run(arguments: Int32, budget: Duration) -> Step {
        let state = self.state
        var count: Int32 = 0
        isRunning = true
        let step = lb_start(stack.thread, arguments, budget.nanoseconds, false, false, &count)
        return finish(step, count, in: state)
    }

    /// Goes on after a wait; the results of the host function that waited have been pushed on `stack`. The budget is a
    /// fresh one.
    package func resume(results: Int32) -> Step {
        let state = self.state
        guard isWaiting else {
            stack.pop(results)
            return .notWaiting
        }
        isRunning = true
        let outer = state.running
        state.running = self
        defer { state.running = outer }
        var count: Int32 = 0
        let step = lb_resume(stack.thread, results, state.slice, &count)
        return finish(step, count, in: state)
    }

    /// Goes on after a wait that failed: raises in the script where it called the host function.
    package func resume(failing failure: LuaFailure) -> Step {
        let state = self.state
        guard isWaiting else { return .notWaiting }
        isRunning = true
        let outer = state.running
        state.running = self
        defer { state.running = outer }
        stack.push(failure.message)
        var count: Int32 = 0
        let step = lb_resume_raising(stack.thread, failure.position, state.slice, &count)
        return finish(step, count, in: state)
    }

    /// Puts the coroutine back into the pool, after `returned` or `failed`, or while it waits: then it is ended there,
    /// and its to-be-closed variables run under a budget of their own. It must not be used any more. Called by what it
    /// runs, it takes effect when that has returned.
    package func recycle() {
        guard !isRunning else {
            isGivenUp = true
            return
        }
        context = nil
        guard let state = owner else { return }
        owner = nil
        guard state.host != nil else { return }
        if isWaiting {
            isWaiting = false
            isBroken = true
            if state.runsClosers { lb_abandon(stack.thread, state.slice) }
        }
        if isBroken {
            state.discard(anchor)
        } else {
            stack.setTop(0)
            state.giveBack(self)
        }
    }

    private func finish(_ step: lb_step, _ count: Int32, in state: LuaState) -> Step {
        isRunning = false
        let step = outcome(of: step, count, in: state)
        if isGivenUp {
            isGivenUp = false
            recycle()
        }
        return step
    }

    private func outcome(of step: lb_step, _ count: Int32, in state: LuaState) -> Step {
        switch step {
        case LB_RETURNED:
            isWaiting = false
            return .returned(count)
        case LB_WAITING:
            isWaiting = true
            return .waiting
        case LB_NOT_WAITING:
            return .notWaiting
        case LB_RAISED:
            isWaiting = false
            let place = String(cString: lb_raised_where(state.openHost))
            return .failed(LuaError(kind: .kept, message: place + state.keptMessage))
        default:
            isWaiting = false
            isBroken = lua_status(stack.thread) != LUA_OK
            let error = state.failure(step, on: stack)
            if error.kind == .memory {
                stack.setTop(0)
                state.collectIfFull()
            }
            return .failed(error)
        }
    }
}
