import AgentModel
import AgentScript
import Delivery
import Logging
package import NIOCore

/// Draining and the end.
extension Worker {
    func beginMessage() { messagesUnderWay += 1 }

    func endMessage() {
        messagesUnderWay -= 1
        if state == .stopping { announceDrained() }
    }

    /// No message, task or handler is under way. Spawned functions that no message waits for do not count: they may be
    /// loops without an end.
    private var isDrained: Bool {
        messagesUnderWay == 0
            && slots.allSatisfy { slot in
                slot.runningTasks == 0 && slot.queuedTasks.isEmpty
                    && slot.generations.allSatisfy { $0.hasOnlyBackground }
            }
    }

    func announceDrained() {
        guard !onDrained.isEmpty, isDrained else { return }
        let callbacks = onDrained
        onDrained = []
        for callback in callbacks { callback() }
    }

    /// From here on new tasks are refused, no timer fires, and messages that have not begun do not begin: they stay
    /// unacknowledged. Completes when what has begun is done, its effects acknowledged, or at the deadline, when what
    /// still waits is cut off. Its value names what was.
    package func drain(deadline: NIODeadline) -> EventLoopFuture<[String]> {
        loop.preconditionInEventLoop()
        if state != .closed { state = .stopping }
        for slot in slots {
            // What waited for it is served by the version in service.
            abandonSwap(agent: slot.index, because: ScriptFailure("the host is stopping"))
            slot.live?.retire()
        }
        let promise = loop.makePromise(of: [String].self)
        let timer = isolated.scheduleTask(deadline: deadline) {
            self.onDrained = []
            promise.succeed(self.cutOff())
        }
        onDrained.append {
            timer.cancel()
            promise.succeed([])
        }
        announceDrained()
        return promise.futureResult
    }

    /// Ends what has not ended by itself: whoever waits for a task is told that the host stops, and a message stays
    /// unacknowledged. Spawned functions are left to the end of their version, as they may be what `on_stop` ends.
    private func cutOff() -> [String] {
        isGraceOver = true
        let names = slots.flatMap { $0.generations.flatMap(\.waitingNames) }
        let queued = slots.reduce(0) { $0 + $1.queuedTasks.count }
        logger.warning(
            "stopping without waiting longer for what is under way (GRACE)",
            metadata: [
                "messages": .stringConvertible(messagesUnderWay), "queued_tasks": .stringConvertible(queued),
                "handlers": "\(names.joined(separator: ", "))",
            ])
        let cutOff = slots.flatMap { $0.generations.flatMap(\.waitingHandlers) }.map(\.name.description).sorted()
        // Before those that run: each of these that ends would let one begin.
        for slot in slots { refuseQueuedTasks(of: slot) }
        // In one go: a handler that waits for another would go on when that one ends.
        runQueue.goOn {
            for invocation in slots.flatMap({ $0.generations.flatMap(\.waitingHandlers) }) { end(invocation, .cutOff) }
        }
        return cutOff + (queued > 0 ? ["\(queued) waiting task\(queued == 1 ? "" : "s")"] : [])
    }

    private func refuseQueuedTasks(of slot: AgentSlot) {
        while let task = slot.queuedTasks.popFirst() { refuse(task, .stopping) }
    }

    /// Runs the `on_stop` functions of the versions in service, those of an agent for at most 5 s together, and all of them
    /// until the deadline.
    package func runStops(deadline: NIODeadline = .distantFuture) -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let stops = slots.compactMap { slot -> EventLoopFuture<Void>? in
            guard let live = slot.live else { return nil }
            live.retire()
            return runAll(
                live.generation.handlers.stop, of: live, slot: slot, name: "on_stop", seconds: 5, since: loop.now)
        }
        let promise = loop.makePromise(of: Void.self)
        let timer = isolated.scheduleTask(deadline: deadline) {
            self.logger.warning("stopping without waiting longer for on_stop")
            promise.succeed(())
        }
        EventLoopFuture.andAllComplete(stops, on: loop).assumeIsolated().whenComplete { _ in
            timer.cancel()
            promise.succeed(())
        }
        return promise.futureResult
    }

    /// Ends what still waits and frees the Lua states.
    package func close() {
        loop.preconditionInEventLoop()
        state = .closed
        for slot in slots {
            refuseQueuedTasks(of: slot)
            slot.close()
        }
        lanes = [:]
        pausing = [:]
        runQueue.clear()
    }
}
