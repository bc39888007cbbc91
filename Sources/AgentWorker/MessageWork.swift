import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Synchronization

/// One message on its way through one agent's handler: tried, tried again, dead-lettered, acknowledged.
final class MessageWork: EffectScope, LaneWork {
    let message: any InboundMessage
    let slot: AgentSlot
    let laneKey: LaneKey
    private unowned let worker: Worker
    /// Called once, when the message is done for this agent.
    private let done: () -> Void
    private var attempt = 1
    private var phase = Phase.waiting
    private var lastError = ""
    private(set) var holdsLane = true

    private enum Phase {
        /// For its turn, or for the pause before the next attempt.
        case waiting
        case handling
        /// The handler has returned; its effects are not all acknowledged.
        case delivering
        case deadLettering
        case finished
    }

    init(
        _ message: any InboundMessage, slot: AgentSlot, laneKey: LaneKey, worker: Worker, done: @escaping () -> Void
    ) {
        self.message = message
        self.slot = slot
        self.laneKey = laneKey
        self.worker = worker
        self.done = done
    }

    var concurrency: Int {
        guard case .handler(let handler) = slot.route(topic: message.topic, source: message.source) else { return 1 }
        return handler.concurrency
    }

    func begin() {
        guard message.isCurrent else {
            // The partition belongs to another consumer now, which gets the message again.
            phase = .finished
            leaveLane()
            worker.forget(self)
            return
        }
        guard let live = slot.live else { return }
        phase = .handling
        switch slot.route(topic: message.topic, source: message.source) {
        case .handler(let handler):
            let generation = live.generation
            worker.run(
                handler.function, of: live, scope: self, name: "handler of \(message.topic)",
                timeLimit: slot.settings.taskTimeout,
                arguments: { [message, attempt] in generation.pushMessage(message, attempt: attempt, on: $0) },
                finish: { [self] in handled($0) })
        case .event, .none:
            beginHandler()
            worker.emit(worker.dataProcessed(message, slot: slot), for: self, depth: 0)
            leaveLane()
            phase = .delivering
            endHandler()
        }
    }

    private func handled(_ outcome: InvocationOutcome) {
        switch outcome {
        case .returned(let stack, let count):
            if count > 0, stack.type(at: -count) == .function {
                fail(DeliveryFailure("the handler of \(message.topic) returned a function; return nothing, or data"))
            }
        case .failed(let error):
            fail(DeliveryFailure(error.message))
            worker.report(error, in: slot, handler: "handler of \(message.topic)")
        case .timedOut:
            fail(DeliveryFailure("the handler of \(message.topic) waited longer than \(slot.settings.taskTimeout) s"))
        }
        // The next message of the lane may begin while this one's effects are on their way; not while it will be tried
        // again, or it would be overtaken.
        if failure == nil { leaveLane() }
        phase = .delivering
    }

    override func settled(_ failure: DeliveryFailure?) {
        switch phase {
        case .delivering:
            if let failure { retry(failure) } else { finish() }
        case .deadLettering:
            if let failure {
                worker.logDeadLetterFailure(failure, message: message)
                forgetFailure()
                worker.isolated.scheduleTask(in: .seconds(1)) { self.sendDeadLetter() }
            } else {
                slot.counters.deadLetters.wrappingAdd(1, ordering: .relaxed)
                finish()
            }
        case .waiting, .handling, .finished: break
        }
    }

    private var handler: HandlerTable.Message? {
        guard case .handler(let handler) = slot.route(topic: message.topic, source: message.source) else { return nil }
        return handler
    }

    private func retry(_ failure: DeliveryFailure) {
        lastError = failure.description
        slot.counters.countError()
        forgetFailure()
        guard message.isCurrent else {
            phase = .finished
            leaveLane()
            worker.forget(self)
            return
        }
        let policy = RetryPolicy(attempts: handler?.attempts ?? 3, backoff: handler?.backoff ?? 0.2)
        if let pause = policy.pause(afterAttempt: attempt) {
            attempt += 1
            phase = .waiting
            slot.counters.retries.wrappingAdd(1, ordering: .relaxed)
            worker.isolated.scheduleTask(in: pause) { self.begin() }
            return
        }
        switch handler?.onError ?? .dlq {
        case .skip:
            worker.logGivenUp(message, error: lastError, fate: "skipped")
            finish()
        case .stop:
            worker.logGivenUp(message, error: lastError, fate: "its lane stops until the script is reloaded")
            phase = .waiting
            attempt = 1
            worker.stopLane(of: self)
        case .dlq:
            sendDeadLetter()
        }
    }

    private func sendDeadLetter() {
        phase = .deadLettering
        beginHandler()
        worker.sendDeadLetter(of: message, slot: slot, error: lastError, attempts: attempt, scope: self)
        endHandler()
    }

    private func finish() {
        phase = .finished
        leaveLane()
        done()
        worker.forget(self)
    }

    private func leaveLane() {
        guard holdsLane else { return }
        holdsLane = false
        worker.leaveLane(laneKey)
    }
}
