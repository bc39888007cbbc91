package import AgentModel
import AgentScript
import Logging
import LuaRuntime
package import NIOCore

extension Worker: AgentRequests {
    package func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void) {
        loop.assertInEventLoop()
        let received = NIODeadline.now()
        func refuse(_ failure: TaskFailure) {
            completion(TaskOutcome(taskID: "", taskType: request.taskType, result: .failure(failure), processingTime: 0))
        }
        guard state == .serving else { return refuse(.unavailable) }
        guard request.agent < slots.count, let live = slots[request.agent].live else { return refuse(.unavailable) }
        guard live.generation.handlers.tasks[request.taskType] != nil else { return refuse(.unknownTask(request.taskType)) }
        let slot = slots[request.agent]
        if slot.runningTasks < slot.settings.maxConcurrentTasks {
            begin(AgentSlot.QueuedTask(request: request, received: received, completion: completion), in: slot)
        } else if slot.waitingTasks < slot.settings.maxQueuedTasks {
            slot.enqueue(AgentSlot.QueuedTask(request: request, received: received, completion: completion))
        } else {
            refuse(.queueFull)
        }
    }

    private func begin(_ task: AgentSlot.QueuedTask, in slot: AgentSlot) {
        slot.runningTasks += 1
        runTask(
            type: task.request.taskType, in: slot, scope: EffectScope(), depth: 0, received: task.received,
            arguments: { (generation, id, stack) throws(TaskFailure) in
                _ = try generation.pushTask(task.request.input, id: id, type: task.request.taskType, on: stack)
            },
            completion: { outcome, _ in
                slot.runningTasks -= 1
                task.completion(outcome)
                self.taskEnded(in: slot)
            })
    }

    private func taskEnded(in slot: AgentSlot) {
        while slot.runningTasks < slot.settings.maxConcurrentTasks, let next = slot.dequeueTask() {
            let waited = Double((NIODeadline.now() - next.received).nanoseconds) / 1e9
            if waited > slot.settings.taskTimeout {
                next.completion(
                    TaskOutcome(
                        taskID: "", taskType: next.request.taskType,
                        result: .failure(.timedOut(seconds: slot.settings.taskTimeout)), processingTime: waited))
                continue
            }
            // Not on this stack: a long queue of short tasks would pile up on it.
            slot.runningTasks += 1
            later {
                slot.runningTasks -= 1
                self.begin(next, in: slot)
            }
        }
        if state == .stopping { announceDrained() }
    }

    /// Runs a task's handler between its events. `completion` gets the outcome, and the stack with the result on top
    /// where there is one.
    func runTask(
        type: String, in slot: AgentSlot, scope: EffectScope, depth: Int, received: NIODeadline,
        arguments: @escaping (Generation, String, LuaStack) throws(TaskFailure) -> Void,
        completion: @escaping (TaskOutcome, LuaStack?) -> Void
    ) {
        let id = identifiers.next()
        func outcome(_ result: Result<ByteBuffer, TaskFailure>) -> TaskOutcome {
            TaskOutcome(
                taskID: id, taskType: type, result: result,
                processingTime: Double((NIODeadline.now() - received).nanoseconds) / 1e9)
        }
        guard let live = slot.live, let function = live.generation.handlers.tasks[type] else {
            return completion(outcome(.failure(.unknownTask(type))), nil)
        }
        // The request is checked before the task exists: a refused one emits nothing and takes no coroutine.
        let generation = live.generation
        let main = generation.state.stack
        let task: LuaReference
        do throws(TaskFailure) {
            try arguments(generation, id, main)
            task = main.reference()
        } catch {
            return completion(outcome(.failure(error)), nil)
        }
        let isRealtime = slot.interface?.isRealtime ?? false
        slot.counters.countMessage(at: clock())
        if isRealtime { emitTaskEvent(EventType.taskStarted, id: id, type: type, result: nil, in: slot, scope: scope, depth: depth) }
        run(
            function, of: live, scope: scope, depth: depth, name: "task \(type)", timeLimit: slot.settings.taskTimeout,
            arguments: { stack in
                stack.push(task)
                stack.release(task)
                return 1
            },
            finish: { [self] ended in
                let result: Result<ByteBuffer, TaskFailure>
                var resultStack: LuaStack?
                switch ended {
                case .returned(let stack, let count):
                    if count == 0 { stack.pushNil() }
                    let index: Int32 = count == 0 ? -1 : -count
                    do {
                        result = .success(
                            try stack.withJSON(at: index, path: "result") { bytes in
                                var buffer = ByteBufferAllocator().buffer(capacity: bytes.count)
                                buffer.writeBytes(bytes)
                                return buffer
                            })
                        stack.pushValue(at: index)
                        resultStack = stack
                    } catch let error as LuaError {
                        result = .failure(.failed(error.message))
                        slot.counters.countError()
                        report(error, in: slot, handler: "task \(type)")
                    } catch {
                        result = .failure(.failed("\(error)"))
                    }
                case .failed(let error):
                    result = .failure(.failed(error.message))
                    slot.counters.countError()
                    report(error, in: slot, handler: "task \(type)")
                case .timedOut:
                    result = .failure(.timedOut(seconds: slot.settings.taskTimeout))
                    slot.counters.countError()
                }
                if isRealtime {
                    var type = EventType.taskCompleted
                    if case .failure = result { type = EventType.taskFailed }
                    emitTaskEvent(type, id: id, type: nil, result: result, in: slot, scope: scope, depth: depth)
                }
                completion(outcome(result), resultStack)
            })
    }

    private func emitTaskEvent(
        _ event: String, id: String, type: String?, result: Result<ByteBuffer, TaskFailure>?, in slot: AgentSlot,
        scope: EffectScope, depth: Int
    ) {
        var data = ByteBuffer()
        data.writeStaticString("{\"task_id\":")
        data.writeJSONString(id)
        if let type {
            data.writeStaticString(",\"task_type\":")
            data.writeJSONString(type)
        }
        switch result {
        case .success(let json):
            data.writeStaticString(",\"success\":true,\"result\":")
            data.writeImmutableBuffer(json)
            data.writeStaticString(",\"error\":null")
        case .failure(let failure):
            data.writeStaticString(",\"success\":false,\"result\":null,\"error\":")
            data.writeJSONString(failure.text)
        case nil: break
        }
        data.writeStaticString("}")
        let event = RealtimeEvent(
            eventID: identifiers.next(), eventType: event, sourceService: slot.settings.serviceName,
            sourceAgent: slot.interface?.name, data: data, timestamp: clock(), correlationID: id)
        emit(event, for: scope, depth: depth)
    }

    // MARK: WebSocket

    package func websocketMessage(
        type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient
    ) -> Bool {
        loop.assertInEventLoop()
        for slot in slots {
            guard let live = slot.live, let function = live.generation.handlers.websocket[type] else { continue }
            slot.counters.countMessage(at: clock())
            let generation = live.generation
            enter(
                ClientWork(laneKey: key(of: client, slot), worker: self) { [self] work in
                    run(
                        function, of: live, scope: work, name: "WebSocket handler of \(type)",
                        timeLimit: slot.settings.taskTimeout,
                        arguments: { stack in
                            generation.pushJSON(payload, on: stack)
                            generation.pushClient(client, on: stack)
                            return 2
                        },
                        finish: { outcome in
                            if let error = self.failure(outcome, in: slot, handler: "WebSocket handler of \(type)") {
                                var payload = ByteBuffer()
                                payload.writeStaticString("{\"error\":")
                                payload.writeJSONString(error)
                                payload.writeStaticString("}")
                                _ = client.send(type: "error", payload: payload, responseTo: messageID)
                            }
                            work.leave()
                        })
                })
            return true
        }
        return false
    }

    private func key(of client: any WebSocketClient, _ slot: AgentSlot) -> LaneKey {
        LaneKey(agent: slot.index, name: client.clientID, partition: 0, source: nil)
    }

    package func rawOpened(path: String, client: any WebSocketClient) {
        raw(path, client, name: "on_open of \(path)", function: { $0.onOpen }) { _, _ in 0 }
    }

    package func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool) {
        raw(path, client, name: "on_message of \(path)", function: { $0.onMessage }) { generation, stack in
            generation.pushBytes(data, on: stack)
            stack.push(binary)
            return 2
        }
    }

    package func rawClosed(path: String, client: any WebSocketClient, code: Int) {
        raw(path, client, name: "on_close of \(path)", function: { $0.onClose }) { _, stack in
            stack.push(code)
            return 1
        }
    }

    private func raw(
        _ path: String, _ client: any WebSocketClient, name: String,
        function: (HandlerTable.RawEndpoint) -> LuaReference?,
        arguments: @escaping (Generation, LuaStack) -> Int32
    ) {
        loop.assertInEventLoop()
        for slot in slots {
            guard let live = slot.live, let endpoint = live.generation.handlers.raw[path] else { continue }
            guard let function = function(endpoint) else { return }
            slot.counters.countMessage(at: clock())
            let generation = live.generation
            enter(
                ClientWork(laneKey: key(of: client, slot), worker: self) { [self] work in
                    run(
                        function, of: live, scope: work, name: name, timeLimit: slot.settings.taskTimeout,
                        arguments: { stack in
                            generation.pushClient(client, on: stack)
                            return 1 + arguments(generation, stack)
                        },
                        finish: { outcome in
                            if self.failure(outcome, in: slot, handler: name) != nil {
                                client.close(code: 1011, reason: "the handler failed")
                            }
                            work.leave()
                        })
                })
            return
        }
    }

    /// Logs and counts a failed outcome; returns its text.
    func failure(_ outcome: InvocationOutcome, in slot: AgentSlot, handler: String) -> String? {
        switch outcome {
        case .returned: return nil
        case .failed(let error):
            slot.counters.countError()
            report(error, in: slot, handler: handler)
            return error.message
        case .timedOut:
            slot.counters.countError()
            logger.error("waited too long", metadata: ["handler": "\(handler)"])
            return "the \(handler) waited longer than \(slot.settings.taskTimeout) s"
        }
    }
}

/// A message of a WebSocket client: those of one client are handled in order.
final class ClientWork: EffectScope, LaneWork {
    let laneKey: LaneKey
    private(set) var holdsLane = true
    private unowned let worker: Worker
    private let start: (ClientWork) -> Void

    init(laneKey: LaneKey, worker: Worker, start: @escaping (ClientWork) -> Void) {
        self.laneKey = laneKey
        self.worker = worker
        self.start = start
    }

    var concurrency: Int { 1 }

    func begin() { start(self) }

    func leave() {
        guard holdsLane else { return }
        holdsLane = false
        worker.leaveLane(laneKey)
    }
}

extension TaskFailure {
    /// For people.
    package var text: String {
        switch self {
        case .invalidJSON(let message, let offset): "invalid JSON at byte \(offset): \(message)"
        case .invalidUTF8: "the body is not UTF-8"
        case .invalid(let issues):
            issues.map { "\($0.location.joined(separator: ".")): \($0.message)" }.joined(separator: "; ")
        case .failed(let message): message
        case .timedOut(let seconds): "the task took longer than \(seconds) s"
        case .queueFull: "too many tasks are waiting"
        case .unavailable: "the host is starting or stopping"
        case .unknownTask(let type): "no task \"\(type)\""
        }
    }
}
