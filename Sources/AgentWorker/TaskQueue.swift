import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// The tasks that clients ask for: as many as may run at once (`MAX_CONCURRENT_TASKS`), and those that wait
/// (`MAX_QUEUED_TASKS`). Confined to its loop.
final class TaskQueue {
    private let loop: any EventLoop
    private let slots: [AgentSlot]
    private let runs: TaskRuns
    private let runQueue: RunQueue
    private let drain: Drain
    private let log: HandlerLog

    init(
        loop: any EventLoop, slots: [AgentSlot], runs: TaskRuns, runQueue: RunQueue, drain: Drain, log: HandlerLog
    ) {
        self.loop = loop
        self.slots = slots
        self.runs = runs
        self.runQueue = runQueue
        self.drain = drain
        self.log = log
    }

    func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void) {
        let task = AgentSlot.QueuedTask(request: request, received: loop.now, completion: completion)
        guard drain.state == .serving, request.agent < slots.count, let live = slots[request.agent].live else {
            return refuse(task, unavailability)
        }
        let slot = slots[request.agent]
        if slot.isHeld {
            // Which version it is for is known when the swap is over.
            return slot.queuedTasks.count < max(slot.settings.maxQueuedTasks, slot.settings.maxConcurrentTasks)
                ? slot.queuedTasks.append(task) : refuse(task, .queueFull)
        }
        guard let handler = live.generation.handlers.tasks[request.taskType] else {
            return refuse(task, Self.unknownTask(request.taskType, live))
        }
        if slot.runningTasks < slot.settings.maxConcurrentTasks {
            slot.runningTasks += 1
            if runQueue.mayRunNow {
                begin(task, handler, of: live, in: slot)
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
                taskID: nil, result: .failure(failure), processingTime: runs.seconds(since: task.received)))
    }

    /// Why no task is taken.
    private var unavailability: TaskFailure { drain.takesMessages ? .starting : .stopping }

    private static func unknownTask(_ type: String, _ live: LiveGeneration) -> TaskFailure {
        .unknownTask(type, known: Array(live.generation.handlers.tasks.keys))
    }

    /// A task that has waited: by the version in service now. Its slot is taken.
    private func beginQueued(_ task: AgentSlot.QueuedTask, in slot: AgentSlot) {
        if drain.isGraceOver { return end(task, in: slot, .stopping) }
        if slot.isHeld { return slot.whenOpen { self.beginQueued(task, in: slot) } }
        guard let live = slot.live else { return end(task, in: slot, unavailability) }
        guard let handler = live.generation.handlers.tasks[task.request.taskType] else {
            return end(task, in: slot, Self.unknownTask(task.request.taskType, live))
        }
        begin(task, handler, of: live, in: slot)
    }

    private func end(_ task: AgentSlot.QueuedTask, in slot: AgentSlot, _ failure: TaskFailure) {
        slot.runningTasks -= 1
        refuse(task, failure)
        taskEnded(in: slot)
    }

    private func begin(
        _ task: AgentSlot.QueuedTask, _ handler: HandlerTable.Task, of live: LiveGeneration, in slot: AgentSlot
    ) {
        let order = TaskRuns.Order(
            type: task.request.taskType, handler: handler, live: live, slot: slot,
            scope: log.looseScope(of: slot, request: task.request.context), depth: 0, received: task.received)
        runs.run(
            order,
            arguments: { (stack, id) throws(TaskFailure) in
                try live.generation.tasks.push(
                    task.request.input, context: task.request.context, id: id.description,
                    type: task.request.taskType, showing: handler.fields, on: stack)
            },
            completion: { outcome, _ in
                slot.runningTasks -= 1
                task.completion(self.log.shown(outcome, of: live))
                self.taskEnded(in: slot)
            })
    }

    private func taskEnded(in slot: AgentSlot) {
        beginQueued(of: slot)
        drain.look()
    }

    /// Tasks that have waited begin, as many as may run.
    func beginQueued(of slot: AgentSlot) {
        while !slot.isHeld, slot.runningTasks < slot.settings.maxConcurrentTasks,
            let next = slot.queuedTasks.popFirst()
        {
            if runs.seconds(since: next.received) >= slot.settings.taskTimeout {
                refuse(next, .timedOut(seconds: slot.settings.taskTimeout))
                continue
            }
            // Not on this stack: a long queue of short tasks would pile up on it.
            slot.runningTasks += 1
            runQueue.laterInTurn { self.beginQueued(next, in: slot) }
        }
        runQueue.drain()
    }

    /// Nothing that waits begins any more: whoever asked for it is told that the host stops.
    func refuseQueued(of slot: AgentSlot) {
        while let task = slot.queuedTasks.popFirst() { refuse(task, .stopping) }
    }
}
