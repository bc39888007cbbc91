package import AgentModel
package import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore

extension Worker: ScriptHost {
    package func perform(_ effect: Effect, in script: ScriptContext) -> EffectAnswer {
        loop.assertInEventLoop()
        let invocation = currentInvocation(in: script)
        let scope = invocation?.scope ?? looseScope(slots[script.agentIndex])
        guard case .event(let event) = effect else { return dispatcher.perform(effect, for: scope) }
        if let refusal = emit(event, for: scope, depth: invocation?.depth ?? 0) { return .refused(refusal) }
        return .taken(reached: 0)
    }

    package func hears(_ publication: Publication, eventType: String?, in script: ScriptContext) -> Bool {
        if dispatcher.hub?.hears(publication) == true { return true }
        return eventType.map(hasHandlers) ?? false
    }

    /// Whether an event is for anyone: a client, a stream, or a handler of any agent.
    func isHeard(event type: String) -> Bool {
        dispatcher.hub?.hears(.event(topic: nil)) == true || hasHandlers(of: type)
    }

    private func hasHandlers(of eventType: String) -> Bool {
        slots.contains { slot in
            let events = slot.live?.generation.handlers.events
            return events?[eventType] != nil || events?["*"] != nil
        }
    }

    package func count(of demand: ScriptDemand, in script: ScriptContext) -> Int {
        // A script that loads runs on a thread of its own, and has begun nothing.
        guard loop.inEventLoop, let live = slots[script.agentIndex].live(of: script) else { return 0 }
        switch demand {
        case .invocation: return live.underWay
        case .timer: return live.timerCount
        case .request: return live.pendingRequests
        }
    }

    package func wait(_ wait: ScriptWait, in script: ScriptContext) {
        guard let invocation = currentInvocation(in: script) else { return }
        let turn = invocation.nextTurn()
        switch wait {
        case .sleep(let seconds):
            let timer = isolated.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) { [weak invocation] in
                guard let invocation else { return }
                self.runQueue.laterInTurn { self.resume(invocation, turn: turn) { _ in 0 } }
                self.runQueue.drain()
            }
            let live = invocation.generation
            // NIO looks through all of its timers for the one to cancel: of thousands that end together, each is left.
            invocation.cancelWait = { [weak live] in if live?.isClosed == false { timer.cancel() } }
        case .http(let call):
            let live = invocation.generation
            live.pendingRequests += 1
            var isPending = true
            func complete() {
                if isPending { live.pendingRequests -= 1 }
                isPending = false
            }
            let giveUp = outbound.execute(call, on: loop) { result in
                complete()
                self.resume(invocation, turn: turn) { (stack) throws(LuaError) in
                    try stack.push(http: result)
                }
            }
            invocation.cancelWait = {
                complete()
                giveUp()
            }
        case .secrets(let platform):
            readSecrets(of: platform, for: invocation, turn: turn)
        case .flush:
            flush(invocation, turn: turn)
        case .task(let type, let payload):
            runQueue.later { self.process(type, payload: payload, for: invocation, turn: turn) }
        case .spawned(let spawned): waitForEnd(of: spawned, for: invocation, turn: turn, in: script)
        case .gather(let functions): gather(functions, for: invocation, turn: turn)
        case .store(let request):
            stores.perform(request, of: script.name, on: loop) { result in
                self.resume(invocation, turn: turn) { (stack) throws(LuaError) in
                    try stack.push(store: result)
                }
            }
        case .file(let file):
            blocking.run(
                on: loop, { file.read() },
                completion: { result in
                    self.resume(invocation, turn: turn) { $0.push(file: result) }
                })
        }
    }

    private func flush(_ invocation: Invocation, turn: Int) {
        invocation.scope.flush { failure in
            self.runQueue.later {
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
            self.runQueue.drain()
        }
    }

    /// `agent:process`: the task runs as one that a client had asked for, on the version that asks; its caller waits.
    private func process(_ type: String, payload: LuaReference, for invocation: Invocation, turn: Int) {
        let live = invocation.generation
        guard !invocation.hasEnded, !live.isClosed, let function = live.generation.handlers.tasks[type] else { return }
        runTask(
            type, function, of: live, in: slots[live.generation.agentIndex], scope: invocation.scope,
            depth: invocation.depth, received: loop.now,
            arguments: { (stack, id) throws(TaskFailure) in
                try live.generation.tasks.push(payload: payload, id: id, type: type, on: stack)
            },
            completion: { outcome, stack in
                let value = stack?.reference()
                self.runQueue.later {
                    guard !live.isClosed else { return }
                    self.resume(invocation, turn: turn) { stack in
                        switch outcome.result {
                        case .success:
                            if let value { stack.push(value) } else { stack.pushNil() }
                            return 1
                        case .failure(let failure):
                            stack.pushNil()
                            stack.push(failure.description)
                            return 2
                        }
                    }
                    if let value, !live.isClosed { live.generation.state.stack.release(value) }
                }
                self.runQueue.drain()
            })
    }

    package func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in script: ScriptContext)
    {
        let invocation = currentInvocation(in: script)
        var metadata = Self.fields(of: invocation?.name, script, invocation?.scope)
        // The host's own fields are what lines are found by: a script's of the same name stands beside them.
        for (name, value) in fields {
            let logged = value.stringValue.map { Logger.MetadataValue.string($0) } ?? .stringConvertible(value)
            metadata[metadata[name] == nil ? name : "field_\(name)"] = logged
        }
        let severity: Logger.Level =
            switch level {
            case .debug: .debug
            case .info: .info
            case .warn: .warning
            case .error: .error
            }
        logger.log(level: severity, "\(message)", metadata: metadata, source: ScriptLogLevel.source)
    }

    package func schedule(_ timer: ScriptTimer, in script: ScriptContext) {
        guard let live = slots[script.agentIndex].live(of: script), !live.isRetired, live.mayBegin(timer)
        else { return }
        start(timer, of: live)
    }

    package func cancel(_ timer: ScriptTimer, in script: ScriptContext) {
        // A script that loads runs on a thread of its own, and none of its timers has been started.
        guard loop.inEventLoop else { return }
        slots[script.agentIndex].live(of: script)?.forget(timer)
    }

    package func now() -> Int64 { clock() }

    /// Also called while a script loads, which is not on the loop.
    package func identifier() -> String {
        loop.inEventLoop ? identifiers.next() : Identifier.random()
    }

    /// The next run of a timer: `every` again one interval after the run before has ended, so that runs never overlap.
    func start(_ timer: ScriptTimer, of live: LiveGeneration) {
        guard !timer.isCancelled, !live.isRetired else { return }
        let slot = slots[live.generation.agentIndex]
        let name = HandlerName.function(timer.repeats ? "agent:every" : "agent:after")
        let scheduled = isolated.scheduleTask(in: .nanoseconds(Int64(timer.interval * 1e9))) { [self, weak live] in
            guard let live, !live.isRetired else { return }
            runQueue.laterInTurn { slot.whenOpen { self.fire(timer, name, of: live, in: slot) } }
            runQueue.drain()
        }
        live.hold(scheduled, for: timer)
    }

    private func fire(_ timer: ScriptTimer, _ name: HandlerName, of live: LiveGeneration, in slot: AgentSlot) {
        guard !timer.isCancelled, !live.isRetired else { return }
        let scope = looseScope(slot)
        run(
            timer.function, of: live, scope: scope, name: name, timeLimit: nil, arguments: { _ in 0 },
            finish: { [self] outcome in
                _ = failure(outcome, of: live, in: slot, handler: name, scope: scope)
                if timer.repeats { start(timer, of: live) } else { live.forget(timer) }
            })
    }
}
