package import AgentModel
import AgentScript
package import LuaRuntime
package import Logging
package import NIOCore

/// A whole small host on one event loop: the Lua states of its agents, and everything that reaches them or leaves them.
///
/// Transports and the HTTP server of the same loop call it directly; nothing hops between threads on the way, and no
/// lock is taken. Every method is called on the loop unless it says otherwise.
package final class Worker: @unchecked Sendable {
    package let loop: any EventLoop
    /// Position in the host, from 0.
    package let index: Int
    let limits: LuaLimits
    let logger: Logger
    let dispatcher = EffectDispatcher()
    let outbound: any OutboundHTTP
    let clock: @Sendable () -> Int64
    let secrets: any SecretSource
    private(set) var slots: [AgentSlot] = []
    var lanes: [LaneKey: Lane] = [:]
    var identifiers = IdentifierSource()
    /// Handlers of events that wait until the handler which emitted them has yielded or ended.
    private var runQueue: [() -> Void] = []
    private var runQueueHead = 0
    private var depth = 0
    private var drainScheduled = false
    /// Messages between their arrival and their acknowledgement.
    private(set) var inFlight = 0
    private var onDrained: [() -> Void] = []
    package private(set) var state = State.starting

    package enum State { case starting, serving, stopping }

    /// `outbound` makes the HTTP requests of scripts; `clock` tells milliseconds since 1970.
    package init(
        loop: any EventLoop, index: Int, counters: [AgentCounters], limits: LuaLimits, outbound: any OutboundHTTP,
        clock: @escaping @Sendable () -> Int64 = { Timestamp.now() }, secrets: any SecretSource = NoSecrets(),
        logger: Logger
    ) {
        self.loop = loop
        self.index = index
        self.limits = limits
        self.outbound = outbound
        self.clock = clock
        self.secrets = secrets
        self.logger = logger
        slots = counters.enumerated().map { AgentSlot(index: $0.offset, counters: $0.element) }
    }

    /// The loop, for closures that stay on it.
    var isolated: NIOIsolatedEventLoop { loop.assumeIsolated() }

    /// Where effects go. A transport that is off stays nil.
    package func connect(kafka: (any KafkaSending)?, mqtt: (any MQTTSending)?, hub: (any RealtimeHub)?) {
        loop.preconditionInEventLoop()
        dispatcher.kafka = kafka
        dispatcher.mqtt = mqtt
        dispatcher.hub = hub
    }

    package func beginServing() {
        loop.preconditionInEventLoop()
        state = .serving
    }

    // MARK: Running functions of scripts

    /// Runs a function as an invocation of `scope`, which stays open until it has ended.
    func run(
        _ function: LuaReference, of live: LiveGeneration, scope: EffectScope, depth eventDepth: Int = 0, name: String,
        timeLimit: Double?, arguments: (LuaStack) -> Int32, finish: @escaping (InvocationOutcome) -> Void
    ) {
        let invocation = Invocation(
            generation: live, scope: scope, depth: eventDepth, name: name, timeLimit: timeLimit, finish: finish)
        scope.beginHandler()
        depth += 1
        let (coroutine, step) = live.generation.begin(function, context: invocation, arguments: arguments)
        invocation.coroutine = coroutine
        advance(invocation, step)
        depth -= 1
        drainRunQueue()
    }

    /// The invocation of the script function that runs now.
    func currentInvocation(in generation: Generation) -> Invocation? {
        generation.state.running?.context as? Invocation
    }

    /// Resumes an invocation with the results that the closure pushes; too late, it does nothing.
    func resume(_ invocation: Invocation, turn: Int, _ results: (LuaStack) -> Int32) {
        loop.assertInEventLoop()
        guard invocation.turn == turn, let coroutine = invocation.coroutine else { return }
        _ = invocation.nextTurn()
        depth += 1
        let count = results(coroutine.stack)
        advance(invocation, coroutine.resume(results: count))
        depth -= 1
        drainRunQueue()
    }

    /// Resumes an invocation with an error, raised where it waits.
    func resume(_ invocation: Invocation, turn: Int, failing message: String) {
        guard invocation.turn == turn, let coroutine = invocation.coroutine else { return }
        _ = invocation.nextTurn()
        depth += 1
        advance(invocation, coroutine.resume(failing: LuaFailure(message)))
        depth -= 1
        drainRunQueue()
    }

    private func advance(_ invocation: Invocation, _ step: LuaCoroutine.Step) {
        switch step {
        case .returned(let count):
            guard let stack = invocation.coroutine?.stack else { return }
            invocation.end(.returned(stack, count))
            invocation.generation.release(invocation)
        case .failed(let error):
            invocation.end(.failed(error))
            invocation.generation.release(invocation)
        case .waiting:
            invocation.generation.hold(invocation)
            if invocation.timeout == nil, let limit = invocation.timeLimit {
                invocation.timeout = isolated.scheduleTask(in: .nanoseconds(Int64(limit * 1e9))) {
                    invocation.end(.timedOut)
                    invocation.generation.release(invocation)
                    self.drainRunQueue()
                }
            }
        }
    }

    /// Runs something once no handler is on the stack, still in this turn of the loop.
    func later(_ work: @escaping () -> Void) {
        runQueue.append(work)
    }

    func drainRunQueue() {
        guard depth == 0, runQueueHead < runQueue.count else { return }
        var budget = 1000
        while runQueueHead < runQueue.count, budget > 0 {
            let work = runQueue[runQueueHead]
            runQueueHead += 1
            budget -= 1
            depth += 1
            work()
            depth -= 1
        }
        if runQueueHead == runQueue.count {
            runQueue.removeAll(keepingCapacity: runQueue.count < 1024)
            runQueueHead = 0
        } else if !drainScheduled {
            // Others get their turn on the loop.
            drainScheduled = true
            loop.execute {
                self.drainScheduled = false
                self.drainRunQueue()
            }
        }
    }

    // MARK: Draining

    func beginMessage() { inFlight += 1 }

    func forget(_ work: MessageWork) {
        inFlight -= 1
        if inFlight == 0 { announceDrained() }
    }

    func announceDrained() {
        guard inFlight == 0, slots.allSatisfy({ $0.runningTasks == 0 && $0.waitingTasks == 0 }) else { return }
        let callbacks = onDrained
        onDrained = []
        for callback in callbacks { callback() }
    }

    /// New tasks are refused from here on; completes when what has begun is done, its effects acknowledged, or at the deadline.
    package func drain(deadline: NIODeadline) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        state = .stopping
        let promise = loop.makePromise(of: Void.self)
        let timer = isolated.scheduleTask(deadline: deadline) {
            let names = self.slots.flatMap { $0.live?.waitingNames ?? [] }
            self.logger.warning(
                "stopping without waiting longer for what is under way",
                metadata: ["messages": "\(self.inFlight)", "handlers": "\(names.joined(separator: ", "))"])
            promise.succeed(())
        }
        onDrained.append {
            timer.cancel()
            promise.succeed(())
        }
        announceDrained()
        return promise.futureResult
    }

    /// Runs the `on_stop` functions, each for at most 5 s of waiting.
    package func runStops() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let stops = slots.compactMap { slot -> EventLoopFuture<Void>? in
            guard let live = slot.live else { return nil }
            live.retire()
            return runAll(live.generation.handlers.stop, of: live, slot: slot, name: "on_stop", timeLimit: 5)
        }
        return EventLoopFuture.andAllComplete(stops, on: loop)
    }

    /// Ends what still waits and frees the Lua states.
    package func close() {
        loop.preconditionInEventLoop()
        for slot in slots {
            for live in slot.draining + [slot.live, slot.candidate].compactMap({ $0 }) { live.close() }
        }
    }
}
