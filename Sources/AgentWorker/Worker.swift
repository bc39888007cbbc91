package import AgentModel
import AgentScript
package import CoreMetrics
import Delivery
package import Logging
package import LuaRuntime
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
    /// nil: handlers are not measured.
    let metrics: (any MetricsFactory)?
    let dispatcher = EffectDispatcher()
    let outbound: any OutboundHTTP
    let clock: @Sendable () -> Int64
    let secrets: any SecretSource
    let spool: any DeadLetterSpool
    let blocking: any BlockingWork
    let stores: any AgentStores
    private(set) var slots: [AgentSlot] = []
    var lanes: [LaneKey: Lane<LaneWork>] = [:]
    /// Messages before their next attempt, or before their dead letter is sent again.
    var pausing: [ObjectIdentifier: MessageWork] = [:]
    var identifiers = IdentifierSource()
    var sequence = 0
    /// What runs when.
    let runQueue: RunQueue
    /// How many calls into a script, one inside another, are on the stack.
    var scriptDepth = 0
    /// Whether clients get errors of handlers with their places in the script; nil: while the log is at debug.
    private let answersWithPlaces: Bool?
    /// Messages whose handlers or effects are under way.
    var messagesUnderWay = 0
    var onDrained: [() -> Void] = []
    /// The host stops, and what was under way has had its time: nothing begins any more but `on_stop`.
    var isGraceOver = false
    package internal(set) var state = State.starting

    package enum State { case starting, serving, stopping, closed }

    /// `spool` keeps the dead letters that no broker takes; `stores` has what agents keep for themselves; `outbound` makes the HTTP requests of scripts; `clock` tells milliseconds since 1970; `metrics` gets the durations
    /// of handlers; `pause` is zero for a loop whose clock only a test moves; `answersWithPlaces` says whether clients get
    /// errors of handlers with their places in the script, which they else do while the log is at debug.
    package init(
        loop: any EventLoop, index: Int, counters: [AgentCounters], limits: LuaLimits, outbound: any OutboundHTTP,
        clock: @escaping @Sendable () -> Int64 = { Timestamp.now() }, secrets: any SecretSource = NoSecrets(),
        spool: any DeadLetterSpool = NoSpool(), blocking: any BlockingWork = BlockingThreads(),
        stores: any AgentStores = NoStores(),
        metrics: (any MetricsFactory)? = nil, pause: TimeAmount = .milliseconds(1), answersWithPlaces: Bool? = nil,
        logger: Logger
    ) {
        self.loop = loop
        self.index = index
        self.limits = limits
        self.outbound = outbound
        self.clock = clock
        self.secrets = secrets
        self.spool = spool
        self.blocking = blocking
        self.stores = stores
        self.metrics = metrics
        runQueue = RunQueue(loop: loop, pause: pause)
        self.answersWithPlaces = answersWithPlaces
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
        if state == .starting { state = .serving }
    }

    /// Whether what clients are told of an error says where in the script it was raised.
    var showsPlaces: Bool { answersWithPlaces ?? (logger.logLevel <= .debug) }

    /// A message that waits may begin.
    var takesMessages: Bool { state == .starting || state == .serving }

    /// For what no message caused.
    func looseScope(_ slot: AgentSlot? = nil) -> EffectScope {
        LooseScope(slot: slot, worker: self)
    }

    func deadLetters(of slot: AgentSlot) -> DeadLetters {
        DeadLetters(hasKafka: dispatcher.kafka != nil, agent: slot.interface?.name)
    }
}
