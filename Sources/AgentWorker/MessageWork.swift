import AgentModel
import AgentScript
import Logging
import LuaRuntime
import NIOCore
import Synchronization

/// One message on its way through one agent's handler: tried, tried again, dead-lettered, acknowledged.
///
/// It leaves its lane when its handler, and those of the events it emitted, have returned without an error; its effects
/// may then still be on their way. Where one of these is not delivered, the message is tried again before any of its
/// lane that has not begun. Messages that began in the meantime have been handled before that second attempt: their
/// effects, and its, reach the brokers in this order.
final class MessageWork: LaneWork {
    let message: any InboundMessage
    let slot: AgentSlot
    /// Set when several handlers have the message, of one agent or of several.
    private let share: MessageShare?
    /// The filter of the handler that this is for; nil while the agent has one handler at most.
    private let filter: String?
    /// The filters of the agent whose handlers have the message; those of the same message share it.
    private let siblings: MessageSiblings?
    private var knownRoute: MessageRoute?
    private var attempt = 1
    private var deadLetterAttempt = 0
    private var phase = Phase.waiting
    private var lastError = ""
    /// Of the handler that failed in this attempt, until it is told.
    private var report: HandlerReport?
    /// The version that the handler last ran on.
    private var lastLive: LiveGeneration?
    private var isPausing = false
    /// Its dead letter was neither delivered nor kept, and is tried again.
    private var isLetterWaiting = false {
        didSet {
            guard isLetterWaiting != oldValue else { return }
            slot.counters.waitingDeadLetters.wrappingAdd(isLetterWaiting ? 1 : -1, ordering: .relaxed)
        }
    }
    private var isUnderWay = false

    private enum Phase {
        /// For its turn, or for the pause before the next attempt.
        case waiting
        case handling
        /// The handlers have returned; what they sent is not all acknowledged.
        case delivering
        case deadLettering
        /// Its broker will never take the dead letter, which is being written to the spool.
        case keeping
        case finished
    }

    init(
        _ message: any InboundMessage, slot: AgentSlot, worker: Worker, share: MessageShare?, filter: String? = nil,
        siblings: MessageSiblings? = nil
    ) {
        self.message = message
        self.slot = slot
        self.share = share
        self.filter = filter
        self.siblings = siblings
        super.init(
            laneKey: LaneKey(
                agent: slot.index, name: message.topic, partition: message.partition, source: message.source,
                filter: filter),
            worker: worker)
    }

    private var route: MessageRoute? {
        if let knownRoute, knownRoute.live === slot.live { return knownRoute }
        knownRoute = slot.route(topic: message.topic, source: message.source)
        return knownRoute
    }

    private var handler: HandlerTable.Message? { route.flatMap(handler(in:)) }

    /// nil: there is none, or there are several and this is for none of them yet.
    private func handler(in route: MessageRoute) -> HandlerTable.Message? {
        if let filter { return route.handlers.first { $0.filter.text == filter } }
        return route.handlers.count == 1 ? route.handlers[0] : nil
    }

    override var concurrency: Int { handler?.concurrency ?? 1 }

    override var isReady: Bool { !isPausing && worker.takesMessages && slot.live != nil && !slot.isHeld }

    // MARK: Handling

    override func begin() {
        // A message of a partition that another consumer has now is delivered to that one.
        guard message.isCurrent, worker.takesMessages, let route else { return drop() }
        let live = route.live
        let handler = handler(in: route)
        if handler == nil, filter != nil || !route.handlers.isEmpty { return hand(to: route.handlers) }
        phase = .handling
        setUnderWay()
        guard let handler else {
            beginHandler()
            worker.emit(worker.dataProcessed(message, slot: slot), for: self, depth: 0)
            return endHandler()
        }
        lastLive = live
        worker.run(
            handler.function, of: live, scope: self, name: name,
            timeLimit: slot.settings.taskTimeout,
            arguments: { (stack) throws(LuaError) in
                try live.generation.pushMessage(message, attempt: attempt, exact: handler.exactNumbers, on: stack)
            },
            finish: { [self] in handled($0, by: handler, of: live) })
    }

    /// Gives the message to each of several handlers, as a work of its own: it is tried again, and given up, for each
    /// alone, and acknowledged when all are done. Also where a reload has taken the handler away that this was for: then
    /// to those of the new version that have not had the message.
    private func hand(to handlers: [HandlerTable.Message]) {
        let siblings = siblings ?? MessageSiblings()
        let filters = handlers.map(\.filter.text).filter { siblings.filters.insert($0).inserted }
        guard !filters.isEmpty else { return finish() }
        let share = share ?? MessageShare(1)
        share.split(into: filters.count)
        phase = .finished
        // Before the next of this lane begins, so that the order holds in the handlers' lanes too.
        for filter in filters {
            worker.enter(
                MessageWork(message, slot: slot, worker: worker, share: share, filter: filter, siblings: siblings))
        }
        leaveLane()
    }

    private func handled(
        _ outcome: InvocationOutcome, by handler: HandlerTable.Message, of live: LiveGeneration
    ) {
        switch outcome {
        case .returned(let stack, let count):
            if count > 0, stack.type(at: -count) == .function {
                let place = stack.definition(ofFunctionAt: -count) ?? handler.location
                let what = "the handler of \(message.topic) returned this function; return nothing, or data"
                fail(DeliveryFailure("\(place): \(what)"))
            }
        case .failed(let raised):
            let error = raised.explained(byPayloadOf: message)
            fail(DeliveryFailure(error.message))
            worker.tell(
                HandlerReport(error.message, traceback: error.traceback, of: live, handler: name), scope: self)
        case .timedOut, .ended, .cutOff:
            let what = outcome.failure(of: name, limit: slot.settings.taskTimeout) ?? ""
            fail(DeliveryFailure("\(handler.location): \(what)"))
        }
    }

    private var name: HandlerName { .message(topic: message.topic) }

    override func describe(in fields: inout Logger.Metadata) {
        switch message.source {
        case .kafka: fields["message_id"] = "\(message.topic)/\(message.partition)/\(message.offset)"
        case .mqtt: fields["topic"] = "\(message.topic)"
        }
        if let filter { fields["filter"] = "\(filter)" }
        if attempt > 1 { fields["attempt"] = .stringConvertible(attempt) }
    }

    override func takes(_ report: HandlerReport) -> Bool {
        // A second failure of the same attempt is told by itself.
        guard self.report == nil, phase == .handling || phase == .delivering else { return false }
        self.report = report
        return true
    }

    /// Whom a line about this message is about.
    private var fields: Logger.Metadata {
        if let lastLive { return Worker.fields(of: name, lastLive.generation, self) }
        var fields: Logger.Metadata = ["agent": "\(slot.interface?.name ?? "")"]
        describe(in: &fields)
        return fields
    }

    override func handlersEnded() {
        guard phase == .handling else { return }
        phase = .delivering
        // Not while it will be tried again: the next one would overtake it.
        if failure == nil { leaveLane() }
    }

    override func settled(_ failure: DeliveryFailure?) {
        switch phase {
        case .delivering:
            if let failure { retry(failure) } else { finish() }
        case .deadLettering:
            if let failure { retryDeadLetter(failure) } else { buried() }
        case .waiting, .handling, .keeping, .finished: break
        }
    }

    // MARK: Failing

    private func retry(_ failure: DeliveryFailure) {
        lastError = failure.description
        slot.counters.countError()
        forgetFailure()
        let policy = RetryPolicy(attempts: handler?.attempts ?? 3, backoff: handler?.backoff ?? 0.2)
        let pause = policy.pause(afterAttempt: attempt)
        // Of what the stop has cut off, nobody knows whether another attempt would fail too.
        guard message.isCurrent, !worker.isGraceOver, pause == nil || worker.takesMessages else {
            tellAttempt(of: policy.attempts, next: "its broker delivers it again")
            return drop()
        }
        if let pause {
            let seconds = Double(pause.nanoseconds) / 1e9
            tellAttempt(of: policy.attempts, next: "the next in \(TaskFailure.text(seconds)) s")
            attempt += 1
            slot.counters.retries.wrappingAdd(1, ordering: .relaxed)
            return waitForRetry(pause)
        }
        switch handler?.onError ?? .dlq {
        case .skip:
            logGivenUp(fate: "skipped")
            finish()
        case .stop:
            logGivenUp(fate: "its lane stops until the script is reloaded")
            phase = .waiting
            attempt = 1
            worker.stopLane(of: self)
            endUnderWay()
        case .dlq:
            bury()
        }
    }

    private func waitForRetry(_ pause: TimeAmount) {
        phase = .waiting
        isPausing = true
        if !holdsLane { worker.rejoinLane(self) }
        worker.isolated.scheduleTask(in: pause) { [self] in
            isPausing = false
            slot.whenOpen { [self] in
                if holdsLane { worker.goOn { self.begin() } } else { worker.pumpLane(laneKey) }
            }
        }
        endUnderWay()
    }

    private func bury() {
        if worker.isUndeliverableDeadLetter(message) {
            logGivenUp(fate: "it is a dead letter itself, and is kept in the spool")
        } else {
            logGivenUp(fate: "to \(worker.deadLetterTarget(of: message, slot: slot))")
        }
        sendDeadLetter()
    }

    private var letter: DeadLetter {
        worker.deadLetter(
            of: message, slot: slot, error: lastError, attempts: attempt,
            version: lastLive?.generation.version ?? "")
    }

    private func sendDeadLetter() {
        setUnderWay()
        if worker.isUndeliverableDeadLetter(message) {
            return keep(DeliveryFailure("its handler, which takes dead letters too, failed on it", isPermanent: true))
        }
        phase = .deadLettering
        beginHandler()
        worker.send(letter, scope: self)
        endHandler()
    }

    /// Only once the letter is safe is the message acknowledged, and the next of its lane begins.
    private func keep(_ failure: DeliveryFailure) {
        phase = .keeping
        let letter = KeptLetter(
            id: worker.identifier(), time: worker.clock(), reason: failure.description, letter: letter)
        worker.spool.keep(letter, on: worker.loop) { [self] problem in
            worker.goOn {
                if let problem {
                    self.tryDeadLetterAgain(failure, "it could not be kept either: \(problem)")
                } else {
                    self.worker.logger.error(
                        "a dead letter is kept in the spool, as its broker will not take it; the partition goes on",
                        metadata: self.fields.merging(["error": "\(failure)", "letter": "\(letter.id)"]) { $1 })
                    self.buried()
                }
            }
        }
    }

    private func logGivenUp(fate: String) {
        let report = takeReport()
        var fields = fields(of: report)
        fields["error"] = "\(lastError)"
        fields["traceback"] = report?.traceback.map { "\($0)" }
        worker.logger.error("a message failed for good: \(fate)", metadata: fields)
    }

    /// A failed attempt that is not the last is one line, without the way through the script.
    private func tellAttempt(of attempts: Int, next: String) {
        var fields = fields(of: takeReport())
        fields["attempt"] = .stringConvertible(attempt)
        fields["attempts"] = .stringConvertible(attempts)
        worker.logger.warning("attempt \(attempt) of \(attempts) failed, \(next): \(lastError)", metadata: fields)
    }

    /// What is known of the handler whose failure is told now.
    private func takeReport() -> HandlerReport? {
        defer { report = nil }
        return report?.message == lastError ? report : nil
    }

    private func fields(of report: HandlerReport?) -> Logger.Metadata {
        report.map { Worker.fields(of: $0.handler, $0.live.generation, self) } ?? fields
    }

    private func retryDeadLetter(_ failure: DeliveryFailure) {
        forgetFailure()
        if failure.isPermanent { keep(failure) } else { tryDeadLetterAgain(failure, nil) }
    }

    /// The message stays unacknowledged until its dead letter is delivered or kept: 1, 2, 4 … 60 s between the attempts.
    private func tryDeadLetterAgain(_ failure: DeliveryFailure, _ problem: String?) {
        let error = problem.map { "\(failure); \($0)" } ?? failure.description
        worker.logger.error(
            "a dead letter could not be delivered; trying again, the message stays unacknowledged",
            metadata: fields.merging(["error": "\(error)"]) { $1 })
        guard let pause = RetryPolicy.deadLetters.pause(afterAttempt: deadLetterAttempt + 1) else { return drop() }
        deadLetterAttempt += 1
        isLetterWaiting = true
        phase = .waiting
        worker.isolated.scheduleTask(in: pause) { [self] in
            guard message.isCurrent, worker.takesMessages else { return drop() }
            worker.goOn { self.sendDeadLetter() }
        }
        endUnderWay()
    }

    private func buried() {
        slot.counters.deadLetters.wrappingAdd(1, ordering: .relaxed)
        finish()
    }

    // MARK: Ending

    private func finish() {
        phase = .finished
        // Of a spawned function whose spawner has made it good.
        if let report { worker.log(report, scope: self) }
        report = nil
        isLetterWaiting = false
        leaveLane()
        if share?.isLast() ?? true { message.acknowledge() }
        endUnderWay()
    }

    /// Ends without an acknowledgement: the broker delivers the message again.
    private func drop() {
        phase = .finished
        isLetterWaiting = false
        leaveLane()
        endUnderWay()
    }

    private func setUnderWay() {
        guard !isUnderWay else { return }
        isUnderWay = true
        worker.beginMessage()
    }

    private func endUnderWay() {
        guard isUnderWay else { return }
        isUnderWay = false
        worker.endMessage()
    }
}
