import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Runs functions of scripts, each as an `Invocation` over as many waits as it makes. The only one that knows what they run
/// in. Confined to its loop.
final class Invoker {
    private let loop: any EventLoop
    private let runQueue: RunQueue
    private let drain: Drain
    /// How many calls into a script, one inside another, are on the stack.
    private var depth = 0

    init(loop: any EventLoop, runQueue: RunQueue, drain: Drain) {
        self.loop = loop
        self.runQueue = runQueue
        self.drain = drain
    }

    /// A function with a stack for its arguments, which is to run.
    struct Call {
        let function: LuaReference
        let live: LiveGeneration
        fileprivate let coroutine: LuaCoroutine

        var stack: LuaStack { coroutine.stack }
    }

    func call(_ function: LuaReference, of live: LiveGeneration) -> Call {
        let coroutine = live.generation.state.coroutine()
        coroutine.stack.push(function)
        return Call(function: function, live: live, coroutine: coroutine)
    }

    /// It does not run after all.
    func discard(_ call: Call) { call.coroutine.recycle() }

    /// The call as an invocation of `scope`, which stays open until it has ended; `start` starts it.
    func invocation(
        of call: Call, scope: EffectScope, depth: Int, name: HandlerName, timeLimit: Double?,
        isBackground: Bool = false, finish: @escaping (InvocationOutcome) -> Void
    ) -> Invocation {
        Invocation(
            call.coroutine, call.function, of: call.live, scope: scope, depth: depth, name: name,
            isBackground: isBackground, timeLimit: timeLimit, finish: finish)
    }

    /// Runs a function as an invocation of `scope`, which stays open until it has ended. When `arguments` throws, what
    /// was to be pushed does not fit into the script's limits: the invocation fails without having begun.
    func run(
        _ function: LuaReference, of live: LiveGeneration, scope: EffectScope, depth: Int = 0, name: HandlerName,
        timeLimit: Double?, isBackground: Bool = false, arguments: (LuaStack) throws(LuaError) -> Int32,
        begun: (Invocation) -> Void = { _ in }, finish: @escaping (InvocationOutcome) -> Void
    ) {
        let call = call(function, of: live)
        let invocation = invocation(
            of: call, scope: scope, depth: depth, name: name, timeLimit: timeLimit, isBackground: isBackground,
            finish: finish)
        begun(invocation)
        do throws(LuaError) {
            start(invocation, arguments: try arguments(call.stack))
        } catch {
            call.stack.push(function)
            let place = call.stack.definition(ofFunctionAt: -1).map { "\($0): " } ?? ""
            let message = "\(place)reading the payload: \(error.message)"
            runQueue.goOn { end(invocation, .failed(LuaError(kind: error.kind, message: message))) }
        }
    }

    /// Starts what has been pushed on the invocation's coroutine: a function and its arguments.
    func start(_ invocation: Invocation, arguments: Int32) {
        loop.assertInEventLoop()
        invocation.coroutine.context = invocation
        runQueue.goOn { advance(invocation, running { invocation.coroutine.start(arguments: arguments) }) }
    }

    /// Runs a script, and knows that it does.
    private func running(_ script: () -> LuaCoroutine.Step) -> LuaCoroutine.Step {
        self.depth += 1
        defer { self.depth -= 1 }
        return script()
    }

    /// The invocation of the script function that runs now.
    func current(in script: ScriptContext) -> Invocation? {
        script.state.running?.context as? Invocation
    }

    /// Resumes an invocation with the results that the closure pushes, or with the error that it throws; too late, it
    /// does nothing. What is there before the script waits for it, or while any script runs, is taken up when none is on
    /// the stack.
    func resume(_ invocation: Invocation, turn: Int, _ results: @escaping (LuaStack) throws(LuaError) -> Int32) {
        loop.assertInEventLoop()
        guard invocation.turn == turn, !invocation.hasEnded, !invocation.generation.isClosed else { return }
        if depth > 0 {
            return runQueue.later { self.resume(invocation, turn: turn, results) }
        }
        // The call that was to wait raised an error instead, and the script has caught it.
        guard invocation.coroutine.isWaiting else { return }
        _ = invocation.nextTurn()
        let stack = invocation.coroutine.stack
        let top = stack.top
        do throws(LuaError) {
            let count = try results(stack)
            runQueue.goOn { advance(invocation, running { invocation.coroutine.resume(results: count) }) }
        } catch {
            stack.setTop(top)
            let failure = LuaFailure(error.message)
            runQueue.goOn { advance(invocation, running { invocation.coroutine.resume(failing: failure) }) }
        }
    }

    /// Resumes an invocation with an error, raised where it waits.
    func resume(_ invocation: Invocation, turn: Int, failing message: String) {
        loop.assertInEventLoop()
        guard invocation.turn == turn, !invocation.hasEnded, !invocation.generation.isClosed else { return }
        if depth > 0 {
            return runQueue.later { self.resume(invocation, turn: turn, failing: message) }
        }
        guard invocation.coroutine.isWaiting else { return }
        _ = invocation.nextTurn()
        runQueue.goOn { advance(invocation, running { invocation.coroutine.resume(failing: LuaFailure(message)) }) }
    }

    private func advance(_ invocation: Invocation, _ step: LuaCoroutine.Step) {
        switch step {
        case .returned(let count): end(invocation, .returned(invocation.coroutine.stack, count))
        case .failed(let error): end(invocation, .failed(error))
        case .notWaiting: break
        case .waiting:
            invocation.generation.hold(invocation)
            if invocation.timeout == nil, let limit = invocation.timeLimit {
                invocation.timeout = loop.isolated.scheduleTask(in: .nanoseconds(Int64(limit * 1e9))) {
                    self.runQueue.goOn { self.end(invocation, .timedOut) }
                }
            }
        }
    }

    func end(_ invocation: Invocation, _ outcome: InvocationOutcome) {
        invocation.end(outcome)
        invocation.generation.release(invocation)
        if drain.state == .stopping { runQueue.later { self.drain.look() } }
    }
}
