import AgentModel
import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore

/// What a worker has from its host for scripts.
struct ScriptServices {
    /// Makes HTTP requests.
    let outbound: any OutboundHTTP
    let secrets: any SecretSource
    let blocking: any BlockingWork
    /// What agents keep for themselves.
    let stores: any AgentStores
}

/// What scripts ask for, and from whom they get it. Confined to its loop, but for what scripts ask while they load.
final class ScriptSide: ScriptHost {
    private let loop: any EventLoop
    private let slots: [AgentSlot]
    let transports: [TransportTraits]
    private let services: ScriptServices
    private let dispatcher: EffectDispatcher
    private let invoker: Invoker
    private let runQueue: RunQueue
    private let events: EventBus
    private let tasks: TaskRuns
    private let spawned: SpawnedRuns
    private let gatherings: Gatherings
    private let timers: Timers
    private let handlerLog: HandlerLog
    private let stamps: Stamps

    init(
        loop: any EventLoop, slots: [AgentSlot], transports: [TransportTraits], services: ScriptServices,
        dispatcher: EffectDispatcher,
        invoker: Invoker, runQueue: RunQueue, events: EventBus, tasks: TaskRuns, timers: Timers, log: HandlerLog,
        stamps: Stamps
    ) {
        self.loop = loop
        self.slots = slots
        self.transports = transports
        self.services = services
        self.dispatcher = dispatcher
        self.invoker = invoker
        self.runQueue = runQueue
        self.events = events
        self.tasks = tasks
        self.timers = timers
        self.stamps = stamps
        handlerLog = log
        spawned = SpawnedRuns(loop: loop, slots: slots, invoker: invoker, runQueue: runQueue, log: log)
        gatherings = Gatherings(slots: slots, invoker: invoker, runQueue: runQueue)
    }

    func send(_ record: borrowing RecordView, to transport: TransportName, in script: ScriptContext) -> EffectAnswer {
        loop.assertInEventLoop()
        let invocation = invoker.current(in: script)
        return dispatcher.send(record, to: transport, for: scope(invocation, script), by: invocation)
    }

    /// What the script does belongs to what its invocation runs for, where there is one.
    private func scope(_ invocation: Invocation?, _ script: ScriptContext) -> EffectScope {
        invocation?.scope ?? handlerLog.looseScope(of: slots[script.agentIndex])
    }

    func perform(_ effect: Effect, in script: ScriptContext) -> EffectAnswer {
        loop.assertInEventLoop()
        let invocation = invoker.current(in: script)
        let scope = scope(invocation, script)
        guard case .event(let event) = effect else {
            return dispatcher.perform(effect, for: scope, by: invocation)
        }
        if let refusal = events.emit(event, for: scope, depth: invocation?.depth ?? 0, by: invocation) {
            return .refused(refusal)
        }
        return .taken(reached: 0)
    }

    func hears(_ publication: Publication, eventType: String?, in script: ScriptContext) -> Bool {
        if dispatcher.hub?.hears(publication) == true { return true }
        return eventType.map(events.hasHandlers) ?? false
    }

    func count(of demand: ScriptDemand, in script: ScriptContext) -> Int {
        // A script that loads runs on a thread of its own, and has begun nothing.
        guard loop.inEventLoop, let live = slots[script.agentIndex].live(of: script) else { return 0 }
        switch demand {
        case .invocation: return live.underWay
        case .timer: return live.timerCount
        case .request: return live.pendingRequests
        }
    }

    func wait(_ wait: ScriptWait, in script: ScriptContext) {
        guard let invocation = invoker.current(in: script) else { return }
        let turn = invocation.nextTurn()
        switch wait {
        case .sleep(let seconds):
            let timer = loop.isolated.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) { [weak invocation] in
                guard let invocation else { return }
                self.runQueue.laterInTurn { self.invoker.resume(invocation, turn: turn) { _ in 0 } }
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
            let giveUp = services.outbound.execute(call, on: loop) { result in
                complete()
                self.invoker.resume(invocation, turn: turn) { (stack) throws(LuaError) in
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
        case .spawned(let function): spawned.waitForEnd(of: function, for: invocation, turn: turn, in: script)
        case .gather(let functions): gatherings.gather(functions, for: invocation, turn: turn)
        case .store(let request):
            services.stores.perform(request, of: script.name, on: loop) { result in
                self.invoker.resume(invocation, turn: turn) { (stack) throws(LuaError) in
                    try stack.push(store: result)
                }
            }
        case .file(let file):
            services.blocking.run(
                on: loop, { file.read() },
                completion: { result in
                    self.invoker.resume(invocation, turn: turn) { $0.push(file: result) }
                })
        }
    }

    private func flush(_ invocation: Invocation, turn: Int) {
        invocation.scope.flush { failure in
            self.runQueue.later {
                self.invoker.resume(invocation, turn: turn) { stack in
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
        guard !invocation.hasEnded, !live.isClosed, let handler = live.generation.handlers.tasks[type] else { return }
        let order = TaskRuns.Order(
            type: type, handler: handler, live: live, slot: slots[live.generation.agentIndex],
            scope: invocation.scope, depth: invocation.depth, received: loop.now)
        tasks.run(
            order,
            arguments: { (stack, id) throws(TaskFailure) in
                try live.generation.tasks.push(payload: payload, id: id.description, type: type, on: stack)
            },
            completion: { outcome, stack in
                let value = stack?.reference()
                self.runQueue.later {
                    guard !live.isClosed else { return }
                    self.invoker.resume(invocation, turn: turn) { stack in
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

    func platformSecrets() -> (platform: String, values: [String: JSONValue])? {
        services.secrets.configured
    }

    private func readSecrets(of platform: String, for invocation: Invocation, turn: Int) {
        let promise = loop.makePromise(of: Result<[String: JSONValue], DeliveryFailure>.self)
        promise.completeWithTask { [secrets = services.secrets] in await secrets.read(platform: platform) }
        promise.futureResult.assumeIsolated().whenSuccess { result in
            self.invoker.resume(invocation, turn: turn) { $0.push(secrets: result) }
        }
    }

    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in script: ScriptContext) {
        let invocation = invoker.current(in: script)
        var metadata = Cause(invocation?.name, of: script, in: invocation?.scope).metadata
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
        handlerLog.logger.log(level: severity, "\(message)", metadata: metadata, source: ScriptLogLevel.source)
    }

    func schedule(_ timer: ScriptTimer, in script: ScriptContext) {
        guard let live = slots[script.agentIndex].live(of: script), !live.isRetired, live.mayBegin(timer)
        else { return }
        timers.start(timer, of: live)
    }

    func cancel(_ timer: ScriptTimer, in script: ScriptContext) {
        // A script that loads runs on a thread of its own, and none of its timers has been started.
        guard loop.inEventLoop else { return }
        slots[script.agentIndex].live(of: script)?.forget(timer)
    }

    func now() -> Int64 { stamps.now() }

    /// Also called while a script loads, which is not on the loop.
    func identifier() -> String { stamps.anyIdentifier() }

    func spawn(_ function: SpawnedFunction, arguments: Int32, from stack: LuaStack, in script: ScriptContext) {
        spawned.spawn(function, arguments: arguments, from: stack, in: script)
    }
}
