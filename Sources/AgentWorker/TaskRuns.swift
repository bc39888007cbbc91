import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// Runs the handlers of tasks, between the events that tell of them. Confined to its loop.
final class TaskRuns {
    /// A task that is to run.
    struct Order {
        let type: String
        let handler: HandlerTable.Task
        let live: LiveGeneration
        let slot: AgentSlot
        let scope: EffectScope
        /// How many events lie between the outside and the task.
        let depth: Int
        /// When it was asked for, by the loop's clock.
        let received: NIODeadline
    }

    private let loop: any EventLoop
    private let invoker: Invoker
    private let runQueue: RunQueue
    private let events: EventBus
    private let drain: Drain
    private let log: HandlerLog
    private let stamps: Stamps

    init(
        loop: any EventLoop, invoker: Invoker, runQueue: RunQueue, events: EventBus, drain: Drain, log: HandlerLog,
        stamps: Stamps
    ) {
        self.loop = loop
        self.invoker = invoker
        self.runQueue = runQueue
        self.events = events
        self.drain = drain
        self.log = log
        self.stamps = stamps
    }

    func seconds(since time: NIODeadline) -> Double {
        Double((loop.now - time).nanoseconds) / 1e9
    }

    /// Runs a task's handler between its events. `arguments` pushes the task; `completion` gets the outcome, and the
    /// stack with the result on top where there is one.
    func run(
        _ order: Order, arguments: (LuaStack, RandomUUID) throws(TaskFailure) -> Void,
        completion: @escaping (TaskOutcome, LuaStack?) -> Void
    ) {
        let (live, slot, scope) = (order.live, order.slot, order.scope)
        let id = stamps.uuid()
        let call = invoker.call(order.handler.function, of: live)
        // The request is checked before the task exists: a refused one emits nothing.
        do throws(TaskFailure) {
            try arguments(call.stack, id)
        } catch {
            invoker.discard(call)
            if case .failed(let message) = error {
                // Nothing is wrong with the request: what it holds does not fit.
                slot.counters.countError()
                log.write(
                    HandlerReport(message, of: live.generation.script, handler: .task(order.type, id: id)),
                    for: scope.owner
                )
            }
            let outcome = TaskOutcome(
                taskID: id, result: .failure(error), processingTime: seconds(since: order.received))
            return runQueue.goOn { completion(outcome, nil) }
        }
        let now = stamps.now()
        slot.counters.countMessage(at: now)
        // The time that the request waited for its turn counts.
        let limit = max(slot.settings.taskTimeout - seconds(since: order.received), 0.001)
        let name = HandlerName.task(order.type, id: id)
        let invocation = invoker.invocation(
            of: call, scope: scope, depth: order.depth, name: name, timeLimit: limit
        ) { [self] ended in
            let ended = result(ended, on: call.stack, of: order.handler.function, live, in: slot) {
                message, traceback in
                slot.counters.countError()
                log.write(
                    HandlerReport(message, traceback: traceback, of: live.generation.script, handler: name),
                    for: scope.owner)
            }
            let processingTime = seconds(since: order.received)
            let outcome =
                switch ended {
                case .result where scope.overload != nil:
                    // Whoever asked would take a plain result for done; a script that knows better has `agenthost.answer`.
                    TaskOutcome(
                        taskID: id, result: .failure(.overloaded(scope.overload?.description ?? "")),
                        processingTime: processingTime)
                case .result(let json):
                    TaskOutcome(taskID: id, result: .success(json), processingTime: processingTime)
                case .answer(let answer): TaskOutcome(taskID: id, answer: answer, processingTime: processingTime)
                case .failure(let failure):
                    TaskOutcome(taskID: id, result: .failure(failure), processingTime: processingTime)
                }
            if slot.isRealtime {
                let event = outcome.isFailure ? EventType.taskFailed : EventType.taskCompleted
                if events.isHeard(event) {
                    let data = Self.eventData(id: id, result: log.shown(outcome, of: live).result)
                    emit(event, data, id: id, at: stamps.now(), of: order)
                }
            }
            completion(outcome, outcome.isFailure ? nil : call.stack)
        }
        runQueue.goOn {
            if slot.isRealtime, events.isHeard(EventType.taskStarted) {
                let data = Self.eventData(id: id, type: order.type)
                emit(EventType.taskStarted, data, id: id, at: now, of: order)
            }
            invoker.start(invocation, arguments: 1)
        }
    }

    /// What a task's handler came to.
    private enum HandlerResult {
        /// JSON; the value is on top of the stack.
        case result(ByteBuffer)
        /// The value of its body is on top of the stack.
        case answer(TaskAnswer)
        case failure(TaskFailure)
    }

    /// What the handler returned, or has raised on the stack. `failed` hears of what is the script's fault, with a
    /// traceback where there is one.
    private func result(
        _ ended: InvocationOutcome, on raised: LuaStack, of function: LuaReference, _ live: LiveGeneration,
        in slot: AgentSlot, failed: (String, String?) -> Void
    ) -> HandlerResult {
        switch ended {
        case .returned(let stack, let count):
            if count == 0 { stack.pushNil() }
            let index: Int32 = count == 0 ? -1 : -count
            do {
                if let answer = try live.generation.answer(at: index, on: stack) { return .answer(answer) }
                let json = try stack.withJSON(at: index, path: "result") { bytes in
                    var buffer = ByteBufferAllocator().buffer(capacity: bytes.count)
                    buffer.writeBytes(bytes)
                    return buffer
                }
                stack.pushValue(at: index)
                return .result(json)
            } catch let error as LuaError {
                return .failure(failure(error, in: function, on: stack, failed))
            } catch {
                return .failure(.failed(ErrorText.of(error)))
            }
        case .failed(let error) where error.kind == .kept:
            do throws(LuaError) {
                if let answer = try live.generation.answer(at: -1, on: raised) { return .answer(answer) }
                return .failure(failure(error, in: function, on: raised, failed))
            } catch {
                return .failure(failure(error, in: function, on: raised, failed))
            }
        case .failed(let error):
            failed(error.message, error.traceback)
            return .failure(.failed(error.message))
        case .timedOut:
            let failure = TaskFailure.timedOut(seconds: slot.settings.taskTimeout)
            failed(failure.description, nil)
            return .failure(failure)
        case .ended: return .failure(drain.takesMessages ? .versionClosed : .stopping)
        case .cutOff: return .failure(.stopping)
        }
    }

    /// Of a result that cannot leave: where the handler stands is as near as one comes to it.
    private func failure(
        _ error: LuaError, in function: LuaReference, on stack: LuaStack, _ failed: (String, String?) -> Void
    ) -> TaskFailure {
        stack.push(function)
        let place = stack.definition(ofFunctionAt: -1).map { "\($0): " } ?? ""
        failed(place + error.message, error.traceback)
        return .failed(place + error.message)
    }

    // MARK: Events of tasks

    private static func eventData(id: RandomUUID, type: String) -> ByteBuffer {
        var data = ByteBufferAllocator().buffer(capacity: 96 + type.utf8.count)
        data.writeStaticString("{\"task_id\":")
        data.writeJSONString(id.description)
        data.writeStaticString(",\"task_type\":")
        data.writeJSONString(type)
        data.writeStaticString("}")
        return data
    }

    private static func eventData(id: RandomUUID, result: Result<ByteBuffer, TaskFailure>) -> ByteBuffer {
        var data: ByteBuffer
        switch result {
        case .success(let json):
            data = ByteBufferAllocator().buffer(capacity: 128 + json.readableBytes)
            data.writeStaticString("{\"task_id\":")
            data.writeJSONString(id.description)
            data.writeStaticString(",\"success\":true,\"result\":")
            data.writeImmutableBuffer(json)
            data.writeStaticString(",\"error\":null}")
        case .failure(let failure):
            data = ByteBufferAllocator().buffer(capacity: 256)
            data.writeStaticString("{\"task_id\":")
            data.writeJSONString(id.description)
            data.writeStaticString(",\"success\":false,\"result\":null,\"error\":")
            data.writeJSONString(failure.description)
            data.writeStaticString("}")
        }
        return data
    }

    private func emit(_ type: String, _ data: ByteBuffer, id: RandomUUID, at time: Int64, of order: Order) {
        let event = RealtimeEvent(
            eventID: stamps.identifier(), eventType: type, sourceService: order.slot.settings.serviceName,
            sourceAgent: order.slot.interface?.name, data: data, timestamp: time, correlationID: id.description)
        events.emit(event, for: order.scope, depth: order.depth)
    }
}
