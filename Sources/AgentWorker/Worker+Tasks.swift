package import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

extension Worker: AgentRequests {
    package func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void) {
        loop.assertInEventLoop()
        let task = AgentSlot.QueuedTask(request: request, received: loop.now, completion: completion)
        guard state == .serving, request.agent < slots.count, let live = slots[request.agent].live else {
            return refuse(task, unavailability)
        }
        let slot = slots[request.agent]
        if slot.isHeld {
            // Which version it is for is known when the swap is over.
            return slot.queuedTasks.count < max(slot.settings.maxQueuedTasks, slot.settings.maxConcurrentTasks)
                ? slot.queuedTasks.append(task) : refuse(task, .queueFull)
        }
        guard let function = live.generation.handlers.tasks[request.taskType] else {
            return refuse(task, Self.unknownTask(request.taskType, live))
        }
        if slot.runningTasks < slot.settings.maxConcurrentTasks {
            slot.runningTasks += 1
            if runQueue.mayRunNow {
                begin(task, function, of: live, in: slot)
            } else {
                // Asked for by the completion of another, as requests that a client sent ahead are.
                runQueue.laterInTurn { self.beginQueued(task, in: slot) }
            }
        } else if slot.queuedTasks.count < slot.settings.maxQueuedTasks {
            slot.queuedTasks.append(task)
        } else {
            refuse(task, .queueFull)
        }
    }

    func refuse(_ task: AgentSlot.QueuedTask, _ failure: TaskFailure) {
        task.completion(
            TaskOutcome(
                taskID: "", result: .failure(failure), processingTime: seconds(since: task.received)))
    }

    /// Why no task is taken.
    private var unavailability: TaskFailure { takesMessages ? .starting : .stopping }

    private static func unknownTask(_ type: String, _ live: LiveGeneration) -> TaskFailure {
        .unknownTask(type, known: Array(live.generation.handlers.tasks.keys))
    }

    private func seconds(since time: NIODeadline) -> Double {
        Double((loop.now - time).nanoseconds) / 1e9
    }

    /// A task that has waited: by the version in service now. Its slot is taken.
    private func beginQueued(_ task: AgentSlot.QueuedTask, in slot: AgentSlot) {
        if isGraceOver { return end(task, in: slot, .stopping) }
        if slot.isHeld { return slot.whenOpen { self.beginQueued(task, in: slot) } }
        guard let live = slot.live else { return end(task, in: slot, unavailability) }
        guard let function = live.generation.handlers.tasks[task.request.taskType] else {
            return end(task, in: slot, Self.unknownTask(task.request.taskType, live))
        }
        begin(task, function, of: live, in: slot)
    }

    private func end(_ task: AgentSlot.QueuedTask, in slot: AgentSlot, _ failure: TaskFailure) {
        slot.runningTasks -= 1
        refuse(task, failure)
        taskEnded(in: slot)
    }

    private func begin(
        _ task: AgentSlot.QueuedTask, _ function: LuaReference, of live: LiveGeneration, in slot: AgentSlot
    ) {
        runTask(
            task.request.taskType, function, of: live, in: slot, scope: looseScope(slot), depth: 0,
            received: task.received,
            arguments: { (stack, id) throws(TaskFailure) in
                try live.generation.tasks.push(
                    task.request.input, context: task.request.context, id: id, type: task.request.taskType, on: stack)
            },
            completion: { outcome, _ in
                slot.runningTasks -= 1
                task.completion(self.shown(outcome, of: live))
                self.taskEnded(in: slot)
            })
    }

    /// What a client, and whoever hears the events, gets to see.
    private func shown(_ outcome: TaskOutcome, of live: LiveGeneration) -> TaskOutcome {
        outcome.answer == nil && outcome.isFailure && !showsPlaces
            ? outcome.withoutPlaces(in: live.generation.snapshot.sources) : outcome
    }

    private func taskEnded(in slot: AgentSlot) {
        beginQueuedTasks(of: slot)
        if state == .stopping { announceDrained() }
    }

    /// Tasks that have waited begin, as many as may run.
    func beginQueuedTasks(of slot: AgentSlot) {
        while !slot.isHeld, slot.runningTasks < slot.settings.maxConcurrentTasks,
            let next = slot.queuedTasks.popFirst()
        {
            if seconds(since: next.received) >= slot.settings.taskTimeout {
                refuse(next, .timedOut(seconds: slot.settings.taskTimeout))
                continue
            }
            // Not on this stack: a long queue of short tasks would pile up on it.
            slot.runningTasks += 1
            runQueue.laterInTurn { self.beginQueued(next, in: slot) }
        }
        runQueue.drain()
    }

    /// Runs a task's handler between its events. `arguments` pushes the task; `completion` gets the outcome, and the
    /// stack with the result on top where there is one.
    func runTask(
        _ type: String, _ function: LuaReference, of live: LiveGeneration, in slot: AgentSlot, scope: EffectScope,
        depth: Int, received: NIODeadline,
        arguments: (LuaStack, String) throws(TaskFailure) -> Void,
        completion: @escaping (TaskOutcome, LuaStack?) -> Void
    ) {
        let id = identifiers.next()
        let coroutine = live.generation.state.coroutine()
        coroutine.stack.push(function)
        // The request is checked before the task exists: a refused one emits nothing.
        do throws(TaskFailure) {
            try arguments(coroutine.stack, id)
        } catch {
            coroutine.recycle()
            if case .failed(let message) = error {
                // Nothing is wrong with the request: what it holds does not fit.
                slot.counters.countError()
                report(message, of: live, handler: .task(type, id: id), scope: scope)
            }
            let outcome = TaskOutcome(
                taskID: id, result: .failure(error), processingTime: seconds(since: received))
            return runQueue.goOn { completion(outcome, nil) }
        }
        let now = clock()
        slot.counters.countMessage(at: now)
        // The time that the request waited for its turn counts.
        let limit = max(slot.settings.taskTimeout - seconds(since: received), 0.001)
        let name = HandlerName.task(type, id: id)
        let invocation = Invocation(
            coroutine, function, of: live, scope: scope, depth: depth, name: name, isBackground: false, timeLimit: limit
        ) { [self] ended in
            let ended = result(ended, on: coroutine.stack, of: function, live, in: slot) { message, traceback in
                slot.counters.countError()
                report(message, traceback: traceback, of: live, handler: name, scope: scope)
            }
            let processingTime = seconds(since: received)
            let outcome =
                switch ended {
                case .result(let json):
                    TaskOutcome(taskID: id, result: .success(json), processingTime: processingTime)
                case .answer(let answer): TaskOutcome(taskID: id, answer: answer, processingTime: processingTime)
                case .failure(let failure):
                    TaskOutcome(taskID: id, result: .failure(failure), processingTime: processingTime)
                }
            if slot.isRealtime {
                let event = outcome.isFailure ? EventType.taskFailed : EventType.taskCompleted
                if isHeard(event: event) {
                    let data = Self.eventData(id: id, result: shown(outcome, of: live).result)
                    emitTaskEvent(event, data, id: id, at: clock(), in: slot, scope: scope, depth: depth)
                }
            }
            completion(outcome, outcome.isFailure ? nil : coroutine.stack)
        }
        runQueue.goOn {
            if slot.isRealtime, isHeard(event: EventType.taskStarted) {
                let data = Self.eventData(id: id, type: type)
                emitTaskEvent(EventType.taskStarted, data, id: id, at: now, in: slot, scope: scope, depth: depth)
            }
            start(invocation, arguments: 1)
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
        case .ended: return .failure(takesMessages ? .versionClosed : .stopping)
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

    private static func eventData(id: String, type: String) -> ByteBuffer {
        var data = ByteBufferAllocator().buffer(capacity: 96 + type.utf8.count)
        data.writeStaticString("{\"task_id\":")
        data.writeJSONString(id)
        data.writeStaticString(",\"task_type\":")
        data.writeJSONString(type)
        data.writeStaticString("}")
        return data
    }

    private static func eventData(id: String, result: Result<ByteBuffer, TaskFailure>) -> ByteBuffer {
        var data: ByteBuffer
        switch result {
        case .success(let json):
            data = ByteBufferAllocator().buffer(capacity: 128 + json.readableBytes)
            data.writeStaticString("{\"task_id\":")
            data.writeJSONString(id)
            data.writeStaticString(",\"success\":true,\"result\":")
            data.writeImmutableBuffer(json)
            data.writeStaticString(",\"error\":null}")
        case .failure(let failure):
            data = ByteBufferAllocator().buffer(capacity: 256)
            data.writeStaticString("{\"task_id\":")
            data.writeJSONString(id)
            data.writeStaticString(",\"success\":false,\"result\":null,\"error\":")
            data.writeJSONString(failure.description)
            data.writeStaticString("}")
        }
        return data
    }

    private func emitTaskEvent(
        _ type: String, _ data: ByteBuffer, id: String, at time: Int64, in slot: AgentSlot, scope: EffectScope,
        depth: Int
    ) {
        let event = RealtimeEvent(
            eventID: identifiers.next(), eventType: type, sourceService: slot.settings.serviceName,
            sourceAgent: slot.interface?.name, data: data, timestamp: time, correlationID: id)
        emit(event, for: scope, depth: depth)
    }
}
