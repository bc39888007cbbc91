package import AgentModel
package import AgentScript
package import CoreMetrics
import Delivery
package import Logging
package import LuaRuntime
package import NIOCore

/// A whole small host on one event loop: the Lua states of its agents, and everything that reaches them or leaves them.
///
/// Transports and the HTTP server of the same loop call it directly; nothing hops between threads on the way, and no lock
/// is taken. It introduces its parts to each other, and passes on to them what is asked of it. Every method is called on
/// the loop unless it says otherwise.
package final class Worker: @unchecked Sendable {
    package let loop: any EventLoop
    /// Position in the host, from 0.
    package let index: Int
    let slots: [AgentSlot]
    private let dispatcher = EffectDispatcher()
    private let runQueue: RunQueue
    let lanes: Lanes
    private let drain: Drain
    private let log: HandlerLog
    private let stamps: Stamps
    private let invoker: Invoker
    private let events: EventBus
    private let tasks: TaskQueue
    private let clients: ClientSessions
    private let messages: MessageDesk
    private let candidates: Candidates
    private let lifeFunctions: LifeFunctions
    private let versions: Versions

    /// `spool` keeps the dead letters that no broker takes; `stores` has what agents keep for themselves; `outbound` makes
    /// the HTTP requests of scripts; `clock` tells milliseconds since 1970; `metrics` gets the durations of handlers;
    /// `observers` hear of all runs;
    /// `pause` is zero for a loop whose clock only a test moves; `answersWithPlaces` says whether clients get errors of
    /// handlers with their places in the script, which they else do while the log is at debug.
    package init(
        loop: any EventLoop, index: Int, counters: [AgentCounters], limits: LuaLimits, outbound: any OutboundHTTP,
        clock: @escaping @Sendable () -> Int64 = { Timestamp.now() }, secrets: any SecretSource = NoSecrets(),
        spool: any DeadLetterSpool = NoSpool(), blocking: any BlockingWork = BlockingThreads(),
        stores: any AgentStores = NoStores(),
        transports: [TransportTraits] = TransportTraits.all, metrics: (any MetricsFactory)? = nil,
        observers: [any RunObserver] = [],
        pause: TimeAmount = .milliseconds(1), answersWithPlaces: Bool? = nil,
        logger: Logger
    ) {
        self.loop = loop
        self.index = index
        slots = counters.enumerated().map { AgentSlot(index: $0.offset, counters: $0.element.ofNewWorker()) }
        runQueue = RunQueue(loop: loop, pause: pause)
        lanes = Lanes(runQueue: runQueue)
        drain = Drain(slots: slots)
        log = HandlerLog(logger, answersWithPlaces: answersWithPlaces)
        stamps = Stamps(loop: loop, clock: clock)
        invoker = Invoker(loop: loop, runQueue: runQueue, drain: drain)
        events = EventBus(slots: slots, dispatcher: dispatcher, invoker: invoker, runQueue: runQueue, log: log)
        let runs = TaskRuns(
            loop: loop, invoker: invoker, runQueue: runQueue, events: events, drain: drain, log: log, stamps: stamps)
        tasks = TaskQueue(loop: loop, slots: slots, runs: runs, runQueue: runQueue, drain: drain, log: log)
        clients = ClientSessions(
            slots: slots, lanes: lanes, invoker: invoker, log: log, drain: drain, stamps: stamps)
        let letters = LetterOffice(
            loop: loop, transports: transports, dispatcher: dispatcher, spool: spool, stamps: stamps)
        messages = MessageDesk(
            slots: slots, loop: loop, invoker: invoker, runQueue: runQueue, lanes: lanes, events: events, drain: drain,
            log: log, letters: letters, stamps: stamps)
        let timers = Timers(loop: loop, slots: slots, invoker: invoker, runQueue: runQueue, log: log)
        let scripts = ScriptSide(
            loop: loop, slots: slots, transports: transports,
            services: ScriptServices(outbound: outbound, secrets: secrets, blocking: blocking, stores: stores),
            dispatcher: dispatcher, invoker: invoker, runQueue: runQueue, events: events, tasks: runs, timers: timers,
            log: log, stamps: stamps)
        let observer = RunObservers.together(metrics.map { [HandlerDurations(factory: $0)] + observers } ?? observers)
        dispatcher.observer = observer
        candidates = Candidates(loop: loop, slots: slots, limits: limits, observer: observer, host: scripts)
        lifeFunctions = LifeFunctions(loop: loop, invoker: invoker, runQueue: runQueue, log: log)
        versions = Versions(
            loop: loop, slots: slots, candidates: candidates, lifeFunctions: lifeFunctions, runQueue: runQueue,
            lanes: lanes, tasks: tasks, timers: timers, drain: drain, log: log)
    }

    /// Where records for a transport go from now on; without an outlet the transport is off.
    package func connect(_ transport: TransportName, _ outlet: (any Outlet)?) {
        loop.preconditionInEventLoop()
        dispatcher.connect(transport, outlet)
    }

    /// Where what is for WebSockets and streams goes.
    package func connect(_ hub: any RealtimeHub) {
        loop.preconditionInEventLoop()
        dispatcher.hub = hub
    }

    package func beginServing() {
        loop.preconditionInEventLoop()
        drain.beginServing()
    }

    package func figures() -> WorkerFigures {
        loop.preconditionInEventLoop()
        return WorkerFigures(messagesUnderWay: drain.messagesUnderWay, agents: slots.compactMap(\.figures))
    }
}

// MARK: - What reaches it

extension Worker: MessageReceiver {
    package func receive(_ message: any InboundMessage) {
        loop.assertInEventLoop()
        messages.receive(message)
    }

    package func revoked() {
        loop.assertInEventLoop()
        messages.revoked()
    }
}

extension Worker: AgentRequests {
    package func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void) {
        loop.assertInEventLoop()
        tasks.perform(request, completion: completion)
    }

    package func websocketMessage(
        type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient
    ) -> Bool {
        loop.assertInEventLoop()
        return clients.websocketMessage(type: type, payload: payload, messageID: messageID, from: client)
    }

    package func rawOpened(path: String, client: any WebSocketClient) {
        loop.assertInEventLoop()
        clients.rawOpened(path: path, client: client)
    }

    package func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool) {
        loop.assertInEventLoop()
        clients.rawMessage(path: path, client: client, data: data, binary: binary)
    }

    package func rawClosed(path: String, client: any WebSocketClient, code: Int) {
        loop.assertInEventLoop()
        clients.rawClosed(path: path, client: client, code: code)
    }
}

extension Worker {
    /// An event from outside, as `agenthost send event:TYPE` gives it; `data` is a JSON object.
    package func inject(type: String, data: ByteBuffer) {
        loop.preconditionInEventLoop()
        let event = RealtimeEvent(
            eventID: stamps.identifier(), eventType: type, sourceService: slots.first?.settings.serviceName ?? "",
            data: data, timestamp: stamps.now())
        events.emit(event, for: EffectScope(LooseEffects(log: log)), depth: 0)
    }

    /// An event from outside; completes once its handlers have ended and their effects have settled.
    package func inject(_ event: RealtimeEvent, completion: @escaping (DeliveryFailure?) -> Void) {
        loop.preconditionInEventLoop()
        let scope = EffectScope(ObservedEffects(completion))
        scope.beginHandler()
        events.emit(event, for: scope, depth: 0)
        scope.endHandler()
    }

    /// Sends a dead letter that was kept; completes once its broker has answered.
    package func deliver(_ letter: DeadLetter, completion: @escaping (DeliveryFailure?) -> Void) {
        loop.preconditionInEventLoop()
        let scope = EffectScope(ObservedEffects(completion))
        scope.beginHandler()
        dispatcher.send(letter, for: scope)
        scope.endHandler()
    }
}

// MARK: - Versions

extension Worker {
    /// Loads a script as the agent's candidate. The script runs on a thread of its own: a main chunk that takes its time
    /// keeps nobody waiting. May be called from any thread.
    package func load(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int, interrupt: LuaInterrupt? = nil,
        settings: @escaping @Sendable (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    ) -> EventLoopFuture<AgentInterface> {
        candidates.load(snapshot, agent: agent, number: number, interrupt: interrupt, settings: settings)
    }

    /// `load` without a thread of its own: the script has run when it returns. `prepare` sees the generation before it
    /// becomes the candidate.
    package func loadDirectly(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int,
        settings: @escaping (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings,
        prepare: (Generation) throws(ScriptFailure) -> Void = { _ in }
    ) -> EventLoopFuture<AgentInterface> {
        loop.preconditionInEventLoop()
        return candidates.loadDirectly(snapshot, agent: agent, number: number, settings: settings, prepare: prepare)
    }

    package func discardCandidate(agent: Int) {
        loop.preconditionInEventLoop()
        candidates.discard(agent: agent)
    }

    /// From now on nothing of the agent begins. Completes when the candidate is ready for `commitSwap`; fails when it cannot
    /// be, and the version before has gone on then.
    package func beginSwap(agent: Int) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        return versions.beginSwap(agent: agent)
    }

    /// Puts the candidate in service: its routes (`swapped`), its timers, and what waited meanwhile.
    package func commitSwap(agent: Int, swapped: @escaping () -> Void) {
        loop.preconditionInEventLoop()
        versions.commitSwap(agent: agent, swapped: swapped)
    }

    /// Frees the candidate, whatever has become of it; the version before goes on. Does nothing without a candidate.
    package func abandonSwap(agent: Int, because failure: ScriptFailure) {
        loop.preconditionInEventLoop()
        versions.abandonSwap(agent: agent, because: failure)
    }

    /// What the generation in service subscribes to.
    package func subscriptions(agent: Int) -> Subscriptions {
        loop.preconditionInEventLoop()
        return candidates.subscriptions(agent: agent)
    }

    /// What all candidates together want of brokers.
    package func candidateSubscriptions() -> Subscriptions {
        loop.preconditionInEventLoop()
        return candidates.subscriptions()
    }

    /// What the agents in service declare.
    package func descriptions() -> [AgentDescription] {
        loop.preconditionInEventLoop()
        return candidates.descriptions()
    }

    /// What the candidate of an agent declares, or the version in service where there is no candidate.
    package func description(agent: Int) -> AgentDescription? {
        loop.preconditionInEventLoop()
        return candidates.description(agent: agent)
    }

    /// The generation in service.
    package func generation(agent: Int) -> Generation? {
        loop.preconditionInEventLoop()
        return candidates.generation(agent: agent)
    }
}

// MARK: - The end

extension Worker {
    private var stop: Stop {
        Stop(
            loop: loop, slots: slots, drain: drain, versions: versions, lifeFunctions: lifeFunctions, tasks: tasks,
            invoker: invoker,
            runQueue: runQueue, logger: log.logger)
    }

    /// From here on new tasks are refused, no timer fires, and messages that have not begun do not begin: they stay
    /// unacknowledged. Completes when what has begun is done, its effects acknowledged, or at the deadline, when what still
    /// waits is cut off. Its value names what was.
    package func drain(deadline: NIODeadline) -> EventLoopFuture<[String]> {
        loop.preconditionInEventLoop()
        return stop.begin(deadline: deadline)
    }

    /// Runs the `on_stop` functions of the versions in service, those of an agent for at most 5 s together, and all of them
    /// until the deadline.
    package func runStops(deadline: NIODeadline = .distantFuture) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        return stop.runStops(deadline: deadline)
    }

    /// Ends what still waits and frees the Lua states.
    package func close() {
        loop.preconditionInEventLoop()
        drain.close()
        for slot in slots {
            tasks.refuseQueued(of: slot)
            slot.close()
        }
        lanes.clear()
        messages.clear()
        runQueue.clear()
    }
}

extension EventLoop {
    /// The loop, for closures that stay on it.
    var isolated: NIOIsolatedEventLoop { assumeIsolated() }
}
