internal import CLua
internal import CLuaBridge

/// One sandboxed Lua state and everything in it. Confined to the thread that uses it: a worker's event loop.
///
/// Several may exist on a thread, as an old and a new generation of an agent do. A host function may call back into
/// its state (`call`), and start other coroutines of it; all of that shares the budget of the slice it happens in.
package final class LuaState {
    package var limits: LuaLimits { hostSide.limits }
    /// `limits.slice` in nanoseconds.
    var slice: Int64 { hostSide.slice }
    /// The root coroutine that runs now; of several nested ones the innermost.
    package internal(set) var running: LuaCoroutine?

    /// Assignments to globals in the files that were compiled.
    package internal(set) var globalWrites: [LuaGlobalWrite] = []

    private(set) var host: OpaquePointer?
    /// Kept as long as the state looks at its flag.
    private let interrupt: LuaInterrupt?
    private let hostSide: HostSide
    private var pool: [LuaCoroutine] = []

    /// Opens a state with Lua's base, coroutine, string, table, math, utf8 and part of its os library, and nothing that
    /// reaches outside. `interrupt` ends what runs in it. Throws when the system has no memory for it.
    package init(limits: LuaLimits = .init(), interrupt: LuaInterrupt? = nil) throws(LuaError) {
        hostSide = HostSide(limits: limits)
        self.interrupt = interrupt
        host = lb_open(limits.memory, HostSide.enter, Unmanaged.passUnretained(hostSide).toOpaque())
        guard let host else {
            throw LuaError(kind: .memory, message: "no memory for a Lua state")
        }
        if let flag = interrupt?.flag { lb_obey_interrupt(host, flag) }
    }

    deinit {
        close()
    }

    /// Frees the state and all that is in it. Coroutines that wait are dropped, and not one line of the script runs.
    /// Must not be called by a host function of the state.
    package func close() {
        precondition(running == nil, "a Lua state was closed by a function that it runs")
        guard let host else { return }
        self.host = nil
        pool.removeAll()
        lb_close(host)
        hostSide.close()
    }

    /// From now on coroutines that wait end without a line of the script, their to-be-closed variables left as they are.
    package func dropWaiting() { runsClosers = false }
    private(set) var runsClosers = true

    /// The main thread's stack.
    package var stack: LuaStack { LuaStack(thread: lb_main_thread(openHost)) }

    /// Bytes that the state has allocated, collected or not.
    package var memoryInUse: Int { host.map { lb_memory_in_use($0) } ?? 0 }

    var openHost: OpaquePointer {
        guard let host else { preconditionFailure("a Lua state was used after it was closed") }
        return host
    }

    // MARK: Errors

    /// What the message of a kept error says behind its place.
    private(set) var keptMessage = ""

    /// From now on an error value whose metatable is on top of the stack, which pops it, is kept: it fails a coroutine
    /// with an error of the kind `kept`. `message` is for those who expected nothing of the kind.
    package func keepErrors(withMetatableOn stack: LuaStack, message: String) {
        keptMessage = message
        lb_keep_errors(stack.thread)
    }

    // MARK: Coroutines

    /// A root coroutine from the pool.
    package func coroutine() -> LuaCoroutine {
        let coroutine = pool.popLast() ?? newCoroutine()
        coroutine.take(by: self)
        return coroutine
    }

    private func newCoroutine() -> LuaCoroutine {
        let thread = LuaStack(thread: lb_new_thread(openHost))
        return LuaCoroutine(stack: thread, anchor: stack.reference())
    }

    func giveBack(_ coroutine: LuaCoroutine) {
        if pool.count < 256 {
            pool.append(coroutine)
        } else {
            discard(coroutine.anchor)
        }
    }

    /// Lets Lua collect a coroutine's thread.
    func discard(_ anchor: LuaReference) {
        if host != nil {
            stack.release(anchor)
        }
    }

    /// After a failure: garbage of a failed handler must not stand in the next one's way.
    func collectIfFull() {
        if memoryInUse > limits.memory / 2 {
            lb_collect(openHost)
        }
    }
}
