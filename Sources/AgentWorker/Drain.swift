import AgentScript
import NIOCore

/// How far a worker's life has come, and what must end before it may: messages, tasks and handlers under way. Spawned
/// functions that no message waits for do not count: they may be loops without an end.
final class Drain {
    enum State { case starting, serving, stopping, closed }

    private let slots: [AgentSlot]
    private(set) var state = State.starting
    /// The host stops, and what was under way has had its time: nothing begins any more but `on_stop`.
    private(set) var isGraceOver = false
    /// Messages whose handlers or effects are under way.
    private(set) var messagesUnderWay = 0
    private var onDrained: [() -> Void] = []

    init(slots: [AgentSlot]) {
        self.slots = slots
    }

    /// A message that waits may begin.
    var takesMessages: Bool { state == .starting || state == .serving }

    func beginServing() { if state == .starting { state = .serving } }

    func beginStopping() { if state != .closed { state = .stopping } }

    func endGrace() {
        isGraceOver = true
        onDrained = []
    }

    func close() { state = .closed }

    func beginMessage() { messagesUnderWay += 1 }

    func endMessage() {
        messagesUnderWay -= 1
        look()
    }

    /// Something has ended: where that was the last that the stop waits for, whoever asked is told.
    func look() {
        guard state == .stopping, !onDrained.isEmpty, isDrained else { return }
        let callbacks = onDrained
        onDrained = []
        for callback in callbacks { callback() }
    }

    /// Calls back once when nothing is under way, at once if that is so now, unless the grace ends before.
    func whenDrained(_ callback: @escaping () -> Void) {
        onDrained.append(callback)
        look()
    }

    private var isDrained: Bool {
        messagesUnderWay == 0
            && slots.allSatisfy { slot in
                slot.runningTasks == 0 && slot.queuedTasks.isEmpty
                    && slot.generations.allSatisfy { $0.hasOnlyBackground }
            }
    }
}
