import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Running functions of scripts.
extension Worker {
    /// Runs a function as an invocation of `scope`, which stays open until it has ended. When `arguments` throws, what
    /// was to be pushed does not fit into the script's limits: the invocation fails without having begun.
    func run(
        _ function: LuaReference, of live: LiveGeneration, scope: EffectScope, depth: Int = 0, name: HandlerName,
        timeLimit: Double?, isBackground: Bool = false, arguments: (LuaStack) throws(LuaError) -> Int32,
        begun: (Invocation) -> Void = { _ in }, finish: @escaping (InvocationOutcome) -> Void
    ) {
        let coroutine = live.generation.state.coroutine()
        coroutine.stack.push(function)
        let invocation = Invocation(
            coroutine, function, of: live, scope: scope, depth: depth, name: name, isBackground: isBackground,
            timeLimit: timeLimit, finish: finish)
        begun(invocation)
        do throws(LuaError) {
            start(invocation, arguments: try arguments(coroutine.stack))
        } catch {
            coroutine.stack.push(function)
            let place = coroutine.stack.definition(ofFunctionAt: -1).map { "\($0): " } ?? ""
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
        scriptDepth += 1
        defer { scriptDepth -= 1 }
        return script()
    }

    /// The invocation of the script function that runs now.
    func currentInvocation(in script: ScriptContext) -> Invocation? {
        script.state.running?.context as? Invocation
    }

    /// Resumes an invocation with the results that the closure pushes, or with the error that it throws; too late, it
    /// does nothing. What is there before the script waits for it, or while any script runs, is taken up when none is on
    /// the stack.
    func resume(_ invocation: Invocation, turn: Int, _ results: @escaping (LuaStack) throws(LuaError) -> Int32) {
        loop.assertInEventLoop()
        guard invocation.turn == turn, !invocation.hasEnded, !invocation.generation.isClosed else { return }
        if scriptDepth > 0 {
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
        if scriptDepth > 0 {
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
                invocation.timeout = isolated.scheduleTask(in: .nanoseconds(Int64(limit * 1e9))) {
                    self.runQueue.goOn { self.end(invocation, .timedOut) }
                }
            }
        }
    }

    func end(_ invocation: Invocation, _ outcome: InvocationOutcome) {
        invocation.end(outcome)
        invocation.generation.release(invocation)
        if state == .stopping { runQueue.later { self.announceDrained() } }
    }
}
