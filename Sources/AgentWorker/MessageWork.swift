import AgentModel
import AgentScript
import Delivery
import Logging
import LuaRuntime
import NIOCore
import Synchronization

/// One message on its way through one agent's handler: does what its `Delivery` says.
final class MessageWork: LaneWork {
    let message: any InboundMessage
    let slot: AgentSlot
    private let place: MessagePlace
    private let desk: MessageDesk
    /// Set when several handlers have the message, of one agent or of several.
    private let share: MessageShare?
    /// The filter of the handler that this is for; nil while the agent has one handler at most.
    private let filter: String?
    private var delivery = Delivery()
    private var lastError = ""
    /// Of the handler that failed in this attempt, until it is told.
    private var report: HandlerReport?
    /// The version that the handler last ran on.
    private var lastLive: LiveGeneration?

    init(
        _ message: any InboundMessage, slot: AgentSlot, desk: MessageDesk, share: MessageShare?, filter: String? = nil
    ) {
        self.message = message
        self.slot = slot
        place = .of(message.origin, for: slot, in: desk.lanes)
        self.desk = desk
        self.share = share
        self.filter = filter
        super.init(
            lane: filter == nil
                ? place.lane : desk.lanes.lane(MessagePlace.key(message.origin, slot, filter: filter)),
            lanes: desk.lanes)
    }

    private var route: MessageRoute? { place.route }

    /// Which of the handlers this is for; nil: there is none, or there are several and this is for none of them yet.
    private func index(in route: MessageRoute) -> Int? {
        if let filter { return route.handlers.firstIndex { $0.filter.text == filter } }
        return route.handlers.count == 1 ? 0 : nil
    }

    // MARK: Its place

    override var concurrency: Int {
        guard let route, let index = index(in: route) else { return 1 }
        return route.handlers[index].concurrency
    }

    override var isReady: Bool { delivery.isReady && desk.drain.takesMessages && slot.live != nil && !slot.isHeld }

    override var holdsLane: Bool { delivery.holdsLane }

    override var isBounded: Bool { true }

    override var isRevoked: Bool { !message.isCurrent }

    override func letGo() {
        desk.endPause(of: self)
        advance(.revoked)
    }

    /// It may begin, or begin again: a message of a partition that another consumer has now is delivered to that one.
    private var mayGoOn: Bool { message.isCurrent && desk.drain.takesMessages }

    override func begin() {
        guard mayGoOn, let route else { return advance(.turn(mayBegin: false)) }
        if index(in: route) == nil, filter != nil || !route.handlers.isEmpty { return split(among: route.handlers) }
        advance(.turn(mayBegin: true))
    }

    /// Gives the message to each of several handlers, as a work of its own: it is tried again, and given up, for each
    /// alone, and acknowledged when all are done. Also where a reload has taken the handler away that this was for: then
    /// to those of the new version that have not had the message.
    private func split(among handlers: [HandlerTable.Message]) {
        let share = share ?? MessageShare()
        let filters = handlers.map(\.filter.text).filter { share.isFirst(agent: slot.index, filter: $0) }
        if !filters.isEmpty { share.split(into: filters.count) }
        // Before the next of this lane begins, so that the order holds in the handlers' lanes too.
        for filter in filters {
            desk.lanes.enter(MessageWork(message, slot: slot, desk: desk, share: share, filter: filter))
        }
        advance(.split(into: filters.count))
    }

    // MARK: The machine

    override func handlersEnded() { advance(.handlersEnded(failed: hasFailed)) }

    override func settled(_ failure: DeliveryFailure?) {
        guard let failure else { return advance(.settled) }
        forgetFailure()
        if delivery.phase == .burying { return letterFailed(failure) }
        lastError = failure.description
        slot.counters.countError()
        advance(.failed(policy, standing))
    }

    private var policy: RetryPolicy {
        guard let route, let index = index(in: route) else { return RetryPolicy() }
        let handler = route.handlers[index]
        return RetryPolicy(
            attempts: handler.attempts, backoff: handler.backoff, onError: handler.onError,
            concurrency: handler.concurrency)
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
            slot.counters.waitingDeadLetters.wrappingAdd(after.isLetterWaiting ? 1 : -1, ordering: .relaxed)
        }
        if after.isStopped != before.isStopped {
            slot.counters.stoppedLanes.wrappingAdd(after.isStopped ? 1 : -1, ordering: .relaxed)
        }
        perform(action, failure)
        if !delivery.holdsLane { leaveLane() }
        if before.isUnderWay, !after.isUnderWay { desk.drain.endMessage() }
    }

    private func perform(_ action: Delivery.Action, _ failure: DeliveryFailure?) {
        switch action {
        case .none: break
        case .run: run()
        case .pause(let time, let rejoining):
            tellAttempt(next: "the next in \(TaskFailure.text(Double(time.nanoseconds) / 1e9)) s")
            slot.counters.retries.wrappingAdd(1, ordering: .relaxed)
            if rejoining { desk.lanes.rejoin(self) }
            pause(time)
        case .rest(let time): pause(time)
        case .queue:
            slot.whenOpen { [self] in
                if holdsLane { desk.runQueue.goOn { self.begin() } } else { desk.lanes.pump(lane) }
            }
        case .skip:
            logGivenUp(fate: "skipped")
            acknowledge()
        case .stopLane:
            logGivenUp(fate: "its lane stops until the script is reloaded")
            desk.lanes.stop(at: self)
        case .bury:
            let letters = deadLetters
            logGivenUp(
                fate: letters.takes(message)
                    ? "to \(letters.topic(of: message))" : "it is a dead letter itself, and is kept in the spool")
            sendLetter()
        case .sendLetter: sendLetter()
        case .keepLetter: keepLetter(because: failure)
        case .acknowledge(let isBuried):
            if isBuried { slot.counters.deadLetters.wrappingAdd(1, ordering: .relaxed) }
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
        // Of a spawned function whose spawner has made it good.
        if let report { desk.log.write(report, scope: self) }
        report = nil
        if share?.isLast() ?? true { message.acknowledge() }
    }

    // MARK: Handling

    private func run() {
        // A turn is given only where there is a route.
        guard let route else { return }
        guard let index = index(in: route) else {
            beginHandler()
            desk.events.emit(desk.dataProcessed(message, slot: slot), for: self, depth: 0)
            return endHandler()
        }
        let live = route.live
        lastLive = live
        desk.invoker.run(
            route.handlers[index].function, of: live, scope: self, name: name,
            timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in
                let handler = route.handlers[index]
                return try stack.push(
                    message, attempt: delivery.attempt, as: handler.payload, showing: handler.fields)
            },
            finish: { [self] in handled($0, by: route, index) })
    }

    private func handled(_ outcome: InvocationOutcome, by route: MessageRoute, _ index: Int) {
        switch outcome {
        case .returned(let stack, let count):
            if count > 0, stack.type(at: -count) == .function {
                let place = stack.definition(ofFunctionAt: -count) ?? route.handlers[index].location
                let what = "the handler of \(message.topic) returned this function; return nothing, or data"
                fail(DeliveryFailure("\(place): \(what)"))
            }
        case .failed(let raised):
            let error = raised.explained(byPayloadOf: message)
            fail(DeliveryFailure(error.message))
            desk.log.tell(
                HandlerReport(
                    error.message, traceback: error.traceback, of: route.live.generation.script, handler: name),
                scope: self)
        case .timedOut, .ended, .cutOff:
            let what = outcome.failure(of: name, limit: slot.settings.taskTimeout) ?? ""
            fail(DeliveryFailure("\(route.handlers[index].location): \(what)"))
        }
    }

    // MARK: Its dead letter

    private var deadLetters: DeadLetters { desk.deadLetters(of: slot) }

    private var letter: DeadLetter {
        deadLetters.letter(
            of: message, error: lastError, attempts: delivery.attempt, version: lastLive?.generation.version ?? "")
    }

    private func sendLetter() {
        guard deadLetters.takes(message) else {
            return letterFailed(
                DeliveryFailure("its handler, which takes dead letters too, failed on it", isPermanent: true))
        }
        beginHandler()
        desk.dispatcher.send(letter, for: self)
        endHandler()
    }

    private func letterFailed(_ failure: DeliveryFailure) {
        if !failure.isPermanent { logLetterWaits("\(failure)") }
        advance(.letterFailed(isPermanent: failure.isPermanent), failure)
    }

    /// Only once the letter is safe is the message acknowledged, and the next of its lane begins.
    private func keepLetter(because failure: DeliveryFailure?) {
        let reason = failure?.description ?? ""
        let letter = KeptLetter(id: desk.stamps.identifier(), time: desk.stamps.now(), reason: reason, letter: letter)
        desk.spool.keep(letter, on: desk.loop) { [self] problem in
            desk.runQueue.goOn {
                if let problem {
                    self.logLetterWaits("\(reason); it could not be kept either: \(problem)")
                    self.advance(.letterFailed(isPermanent: false))
                } else {
                    self.desk.log.logger.error(
                        "a dead letter is kept in the spool, as its broker will not take it; the partition goes on",
                        metadata: self.fields.merging(["error": "\(reason)", "letter": "\(letter.id)"]) { $1 })
                    self.advance(.letterKept)
                }
            }
        }
    }

    // MARK: The log

    private var name: HandlerName { .message(topic: message.topic) }

    override func describe(in cause: inout Cause) {
        cause.messageID = message.id
        if cause.messageID == nil { cause.topic = message.topic }
        cause.filter = filter
        cause.attempt = delivery.attempt
        cause.traceparent = Cause.traceparent(of: message.headers)
    }

    override func takes(_ report: HandlerReport) -> Bool {
        // A second failure of the same attempt is told by itself.
        guard self.report == nil, delivery.isAttempted else { return false }
        self.report = report
        return true
    }

    /// Whom a line about this message is about.
    private var fields: Logger.Metadata {
        if let lastLive { return Cause(name, of: lastLive.generation.script, in: self).metadata }
        return Cause(agent: slot.interface?.name ?? "", in: self).metadata
    }

    private func logGivenUp(fate: String) {
        let report = takeReport()
        var fields = fields(of: report)
        fields["error"] = "\(lastError)"
        fields["traceback"] = report?.traceback.map { "\($0)" }
        desk.log.logger.error("a message failed for good: \(fate)", metadata: fields)
    }

    /// A failed attempt that is not the last is one line, without the way through the script.
    private func tellAttempt(next: String) {
        let attempts = policy.attempts
        var fields = fields(of: takeReport())
        fields["attempt"] = .stringConvertible(delivery.attempt)
        fields["attempts"] = .stringConvertible(attempts)
        desk.log.logger.warning(
            "attempt \(delivery.attempt) of \(attempts) failed, \(next): \(lastError)", metadata: fields)
    }

    /// What is known of the handler whose failure is told now.
    private func takeReport() -> HandlerReport? {
        defer { report = nil }
        return report?.message == lastError ? report : nil
    }

    /// Whom a line about a failure is about, where what is told is the handler's.
    private func fields(of report: HandlerReport?) -> Logger.Metadata {
        report.map { Cause($0.handler, of: $0.script, in: self).metadata } ?? fields
    }

    private func logLetterWaits(_ error: String) {
        desk.log.logger.error(
            "a dead letter could not be delivered; trying again, the message stays unacknowledged",
            metadata: fields.merging(["error": "\(error)"]) { $1 })
    }
}
