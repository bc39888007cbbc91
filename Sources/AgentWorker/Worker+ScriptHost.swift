package import AgentModel
package import AgentScript
package import LuaRuntime
import Logging
import NIOCore

extension Worker: ScriptHost {
    package func perform(_ effect: Effect, in generation: Generation) -> EffectAnswer {
        loop.assertInEventLoop()
        let invocation = currentInvocation(in: generation)
        let scope = invocation?.scope ?? EffectScope()
        if case .event(let event) = effect {
            let depth = invocation?.depth ?? 0
            guard depth < Worker.longestEventChain else {
                let reason = "\(depth) events follow from one another; the chain stops at \"\(event.eventType)\""
                logger.error("\(reason)")
                return .refused(reason)
            }
            emit(event, for: scope, depth: depth)
            return .taken(reached: 0)
        }
        return dispatcher.perform(effect, for: scope)
    }

    package func wait(_ wait: ScriptWait, in generation: Generation) {
        guard let invocation = currentInvocation(in: generation) else { return }
        let turn = invocation.nextTurn()
        switch wait {
        case .sleep(let seconds):
            let timer = isolated.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
                self.resume(invocation, turn: turn) { _ in 0 }
            }
            invocation.cancelWait = { timer.cancel() }
        case .http(let call, _):
            invocation.cancelWait = outbound.execute(call, on: loop) { result in
                self.resume(invocation, turn: turn) { generation.pushHTTPAnswer(result, on: $0) }
            }
        case .secrets(let platform):
            readSecrets(of: platform, for: invocation, turn: turn, in: generation)
        case .flush:
            flush(invocation, turn: turn)
        case .task(let type, let payload):
            later { self.process(type, payload: payload, for: invocation, turn: turn, in: generation) }
        }
    }

    private func flush(_ invocation: Invocation, turn: Int) {
        let resumed: (DeliveryFailure?) -> Void = { failure in
            self.later {
                self.resume(invocation, turn: turn) { stack in
                    guard let failure else {
                        stack.push(true)
                        return 1
                    }
                    stack.pushNil()
                    stack.push(failure.description)
                    return 2
                }
            }
            self.drainRunQueue()
        }
        if invocation.scope.hasPendingEffects {
            invocation.scope.flush(resumed)
        } else {
            resumed(invocation.scope.failure)
        }
    }

    /// `agent:process`: the task runs as one that a client had asked for; its caller waits.
    private func process(
        _ type: String, payload: LuaReference, for invocation: Invocation, turn: Int, in generation: Generation
    ) {
        guard let slot = slots.first(where: { $0.live?.generation === generation || $0.candidate?.generation === generation })
        else {
            return resume(invocation, turn: turn, failing: "the script was replaced while agent:process waited")
        }
        runTask(
            type: type, in: slot, scope: invocation.scope, depth: invocation.depth, received: .now(),
            arguments: { (generation, id, stack) throws(TaskFailure) in
                _ = try generation.pushTask(payload: payload, id: id, type: type, on: stack)
            },
            completion: { outcome, stack in
                let value = stack?.reference()
                self.later {
                    self.resume(invocation, turn: turn) { stack in
                        switch outcome.result {
                        case .success:
                            if let value {
                                stack.push(value)
                                stack.release(value)
                            } else {
                                stack.pushNil()
                            }
                            return 1
                        case .failure(let failure):
                            stack.pushNil()
                            stack.push(failure.text)
                            return 2
                        }
                    }
                }
                self.drainRunQueue()
            })
    }

    package func spawn(arguments: Int32, from stack: LuaStack, in generation: Generation) {
        guard let live = live(of: generation) else { return }
        let first = stack.top - arguments
        let references = (first...stack.top).map { index -> LuaReference in
            stack.pushValue(at: index)
            return stack.reference()
        }
        stack.setTop(first - 1)
        let invocation = currentInvocation(in: generation)
        let scope = invocation?.scope ?? EffectScope()
        let slot = slots[generation.agentIndex]
        scope.beginHandler()
        later { [self] in
            guard !live.isClosed else { return scope.endHandler() }
            run(
                references[0], of: live, scope: scope, depth: invocation?.depth ?? 0, name: "spawned function",
                timeLimit: nil,
                arguments: { stack in
                    for reference in references.dropFirst() { stack.push(reference) }
                    for reference in references { stack.release(reference) }
                    return arguments
                },
                finish: { outcome in
                    if let error = self.failure(outcome, in: slot, handler: "spawned function") {
                        scope.fail(DeliveryFailure(error))
                    }
                })
            scope.endHandler()
        }
    }

    package func log(_ level: ScriptLogLevel, _ message: String, fields: [String: String], in generation: Generation) {
        var metadata: Logger.Metadata = ["agent": "\(generation.declaration?.interface.name ?? generation.snapshot.name)"]
        for (name, value) in fields { metadata[name] = "\(value)" }
        let severity: Logger.Level =
            switch level {
            case .debug: .debug
            case .info: .info
            case .warn: .warning
            case .error: .error
            }
        logger.log(level: severity, "\(message)", metadata: metadata)
    }

    package func schedule(_ timer: ScriptTimer, in generation: Generation) {
        guard let live = live(of: generation), !live.isRetired else { return }
        start(timer, of: live)
    }

    package func cancel(_ timer: ScriptTimer, in generation: Generation) {
        live(of: generation)?.cancel(timer)
    }

    package func now() -> Int64 { clock() }

    /// Also called while a script loads, which is not on the loop.
    package func identifier() -> String {
        loop.inEventLoop ? identifiers.next() : Identifier.random()
    }

    func live(of generation: Generation) -> LiveGeneration? {
        let slot = slots[generation.agentIndex]
        if let live = slot.live, live.generation === generation { return live }
        if let candidate = slot.candidate, candidate.generation === generation { return candidate }
        return slot.draining.first { $0.generation === generation }
    }

    /// The next run of a timer: `every` again one interval after the run before has ended, so that runs never overlap.
    func start(_ timer: ScriptTimer, of live: LiveGeneration) {
        guard !timer.isCancelled, !live.isRetired else { return }
        let slot = slots[live.generation.agentIndex]
        let scheduled = isolated.scheduleTask(in: .nanoseconds(Int64(timer.interval * 1e9))) { [self] in
            guard !timer.isCancelled, !live.isRetired else { return }
            run(
                timer.function, of: live, scope: EffectScope(), name: timer.repeats ? "agent:every" : "agent:after",
                timeLimit: nil, arguments: { _ in 0 },
                finish: { outcome in
                    _ = self.failure(outcome, in: slot, handler: timer.repeats ? "agent:every" : "agent:after")
                    if timer.repeats { self.start(timer, of: live) }
                })
        }
        live.hold(scheduled, for: timer)
    }
}
