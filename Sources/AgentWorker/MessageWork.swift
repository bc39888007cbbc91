import AgentModel
import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore
import Synchronization

/// One message on its way through one agent's handler: does what its `Delivery` says.
final class MessageWork: LaneWork, ScopeOwner {
    private let message: any InboundMessage
    /// What is the same for all messages of its origin.
    private let place: MessagePlace
    /// Set when several handlers have the message, of one agent or of several.
    private let part: MessagePart?
    private var delivery = Delivery()
    /// What the last attempt ran by.
    private var attempted: MessageRoute?
    /// The last attempt's; its handler, while it runs, keeps it.
    private unowned(unsafe) var scope: EffectScope?
    /// That its handler has, where others have it after it.
    private var table: LuaReference?
    private var knownTrouble: MessageTrouble?
    let sequence: Int
    var isListed = false

    init(_ message: any InboundMessage, at place: MessagePlace, part: MessagePart?) {
        self.message = message
        self.place = place
        self.part = part
        sequence = place.desk.lanes.nextSequence()
    }

    private var desk: MessageDesk { place.desk }
    private var slot: AgentSlot { place.slot }
    private var route: MessageRoute? { place.route }
    private var name: HandlerName { .message(topic: message.topic) }

    private var trouble: MessageTrouble {
        if let knownTrouble { return knownTrouble }
        let trouble = MessageTrouble(log: desk.log)
        knownTrouble = trouble
        return trouble
    }

    /// Which of the handlers this is for; nil: there is none, or there are several and this is for none of them yet.
    private func handler(in route: MessageRoute) -> HandlerTable.Message? {
        route.handler(filter: part?.handler?.filter)
    }

    // MARK: Its place

    var lane: Lane<any LaneWork> { part?.handler?.lane ?? place.lane }

    var concurrency: Int {
        route.flatMap(handler)?.concurrency ?? 1
    }

    var isReady: Bool { delivery.isReady && desk.drain.takesMessages && slot.live != nil && !slot.isHeld }
    var holdsLane: Bool { delivery.holdsLane }
    var isRevoked: Bool { !message.isCurrent }

    func letGo() {
        desk.endPause(of: self)
        advance(.revoked)
    }

    /// It may begin, or begin again: a message of a partition that another consumer has now is delivered to that one.
    private var mayGoOn: Bool { message.isCurrent && desk.drain.takesMessages }

    func begin() {
        guard mayGoOn, let route else { return advance(.turn(mayBegin: false)) }
        if handler(in: route) == nil, part?.handler != nil || !route.handlers.isEmpty {
            return split(among: route.handlers)
        }
        advance(.turn(mayBegin: true))
    }

    /// Gives the message to each of several handlers, as a work of its own: it is tried again, and given up, for each
    /// alone, and acknowledged when all are done. Also where a reload has taken the handler away that this was for: then
    /// to those of the new version that have not had the message.
    private func split(among handlers: [HandlerTable.Message]) {
        let share = part?.share ?? MessageShare()
        let filters = handlers.map(\.filter.text).filter { share.isFirst(agent: slot.index, filter: $0) }
        if !filters.isEmpty { share.split(into: filters.count) }
        // Before the next of this lane begins, so that the order holds in the handlers' lanes too.
        for filter in filters {
            let part = MessagePart(of: share, handler: (filter, place.lane(filter: filter)))
            desk.lanes.enter(MessageWork(message, at: place, part: part))
        }
        advance(.split(into: filters.count))
    }

    // MARK: The machine

    func handlersEnded(failed: Bool) { advance(.handlersEnded(failed: failed)) }

    func settled(_ failure: DeliveryFailure?) {
        guard let failure else { return advance(.settled) }
        if delivery.phase == .burying { return letterFailed(failure) }
        trouble.error = failure.description
        slot.counters.countError()
        advance(.failed(policy, standing))
    }

    private var policy: RetryPolicy {
        route.flatMap(handler)?.policy ?? RetryPolicy()
    }

    private var standing: Delivery.Standing {
        // Of what the stop has cut off, nobody knows whether another attempt would fail too.
        guard message.isCurrent, !desk.drain.isGraceOver else { return .gone }
        return desk.drain.takesMessages ? .open : .closing
    }

    /// `failure`: why, where the dead letter is to be kept.
    private func advance(_ event: Delivery.Event, _ failure: DeliveryFailure? = nil) {
        let before = delivery
        var after = before
        let action = after.handle(event)
        delivery = after
        if after.isUnderWay, !before.isUnderWay { desk.drain.beginMessage() }
        if after.isLetterWaiting != before.isLetterWaiting {
            slot.counters.waitingDeadLetters.add(after.isLetterWaiting ? 1 : -1)
        }
        if after.isStopped != before.isStopped {
            slot.counters.stoppedLanes.add(after.isStopped ? 1 : -1)
        }
        perform(action, failure)
        if !delivery.holdsLane, isListed { desk.lanes.leave(self) }
        if before.isUnderWay, !after.isUnderWay { desk.drain.endMessage() }
    }

    private func perform(_ action: Delivery.Action, _ failure: DeliveryFailure?) {
        switch action {
        case .none: break
        case .run: run()
        case .pause(let time, let rejoining):
            tellAttempt(next: "the next in \(TaskFailure.text(Double(time.nanoseconds) / 1e9)) s")
            slot.counters.retries.add(1)
            if rejoining { desk.lanes.rejoin(self) }
            pause(time)
        case .rest(let time): pause(time)
        case .queue:
            slot.whenOpen { [self] in
                if holdsLane { desk.runQueue.goOn { self.begin() } } else { desk.lanes.pump(lane) }
            }
        case .skip:
            tellGivenUp(fate: "skipped")
            acknowledge()
        case .stopLane:
            tellGivenUp(fate: "its lane stops until the script is reloaded")
            desk.lanes.stop(at: self)
        case .bury:
            let letters = desk.letters.letters(of: slot)
            tellGivenUp(
                fate: letters.takes(message)
                    ? "to \(letters.topic(of: message))" : "it is a dead letter itself, and is kept in the spool")
            sendLetter()
        case .sendLetter: sendLetter()
        case .keepLetter: keepLetter(because: failure?.description ?? "")
        case .acknowledge(let isBuried):
            if isBuried { slot.counters.deadLetters.add(1) }
            acknowledge()
        case .drop(let hasFailed): if hasFailed { tellAttempt(next: "its broker delivers it again") }
        }
    }

    private func pause(_ time: TimeAmount) {
        desk.pause(self, for: time) { [weak self] in
            guard let self else { return }
            advance(.pauseOver(mayBegin: mayGoOn))
        }
    }

    private func acknowledge() {
        knownTrouble?.tellMadeGood(for: self)
        if part?.share.isLast() ?? true { message.acknowledge() }
    }

    // MARK: Handling

    private func run() {
        // A turn is given only where there is a route.
        guard let route else { return }
        let scope = EffectScope(self)
        guard let handler = handler(in: route) else {
            scope.beginHandler()
            desk.events.emit(desk.dataProcessed(message, slot: slot), for: scope, depth: 0)
            return scope.endHandler()
        }
        attempted = route
        self.scope = scope
        desk.invoker.run(
            handler.function, of: route.live, scope: scope, name: name,
            timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in
                try stack.push(message, attempt: delivery.attempt, for: handler, table: &table)
            },
            finish: { [self] in handled($0) })
    }

    private func handled(_ outcome: InvocationOutcome) {
        guard let scope, let attempted, let handler = handler(in: attempted) else { return }
        leaveTable(to: handler, after: outcome, of: attempted.live)
        switch outcome {
        case .returned(let stack, let count):
            if count > 0, stack.type(at: -count) == .function {
                let place = stack.definition(ofFunctionAt: -count) ?? handler.location
                let what = "the handler of \(message.topic) returned this function; return nothing, or data"
                scope.fail(DeliveryFailure("\(place): \(what)"))
            }
        case .failed(let raised):
            let error = raised.explained(byPayloadOf: message)
            scope.fail(DeliveryFailure(error.message))
            desk.log.tell(
                HandlerReport(
                    error.message, traceback: error.traceback, of: attempted.live.generation.script, handler: name),
                for: self)
        case .timedOut, .ended, .cutOff:
            let what = outcome.failure(of: name, limit: slot.settings.taskTimeout) ?? ""
            scope.fail(DeliveryFailure("\(handler.location): \(what)"))
        }
    }

    /// A table that the handler may still look at, as it was ended while it waited, is nobody's any more.
    private func leaveTable(
        to handler: HandlerTable.Message, after outcome: InvocationOutcome, of live: LiveGeneration
    ) {
        guard let table, !live.isClosed else { return }
        self.table = nil
        let stack = live.generation.state.stack
        if outcome.isOfItself { handler.tables?.giveBack(table, on: stack) } else { stack.release(table) }
    }

    // MARK: Its dead letter

    private var letter: DeadLetter {
        desk.letters.letters(of: slot).letter(
            of: message, error: trouble.error, attempts: delivery.attempt,
            version: attempted?.live.generation.version ?? "")
    }

    private func sendLetter() {
        guard desk.letters.letters(of: slot).takes(message) else {
            return letterFailed(
                DeliveryFailure("its handler, which takes dead letters too, failed on it", isPermanent: true))
        }
        desk.letters.send(letter, for: self)
    }

    private func letterFailed(_ failure: DeliveryFailure) {
        if !failure.isPermanent { trouble.tellLetterWaits("\(failure)", fields) }
        advance(.letterFailed(isPermanent: failure.isPermanent), failure)
    }

    /// Only once the letter is safe is the message acknowledged, and the next of its lane begins.
    private func keepLetter(because reason: String) {
        desk.letters.keep(letter, because: reason) { [self] problem, id in
            desk.runQueue.goOn {
                if let problem {
                    self.trouble.tellLetterWaits("\(reason); it could not be kept either: \(problem)", self.fields)
                    self.advance(.letterFailed(isPermanent: false))
                } else {
                    self.trouble.tellLetterKept(id, because: reason, self.fields)
                    self.advance(.letterKept)
                }
            }
        }
    }

    // MARK: The log

    var isBounded: Bool { true }

    func describe(in cause: inout Cause) {
        cause.messageID = message.id
        if cause.messageID == nil { cause.topic = message.topic }
        cause.filter = part?.handler?.filter
        cause.attempt = delivery.attempt
        cause.traceparent = Cause.traceparent(of: message.headers)
    }

    func takes(_ report: HandlerReport) -> Bool { delivery.isAttempted && trouble.takes(report) }

    /// Whom a line about this message is about.
    private var fields: Logger.Metadata {
        if let attempted { return Cause(name, of: attempted.live.generation.script, for: self).metadata }
        return Cause(agent: slot.interface?.name ?? "", for: self).metadata
    }

    private func tellGivenUp(fate: String) { trouble.tellGivenUp(fate: fate, for: self) { fields } }

    private func tellAttempt(next: String) {
        trouble.tell(attempt: delivery.attempt, of: policy.attempts, next: next, for: self) { fields }
    }
}
