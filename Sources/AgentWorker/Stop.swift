import AgentScript
import Delivery
import Logging
import NIOCore

/// The end of a worker: what has begun has its time, what has not begun does not begin. Confined to its loop.
struct Stop {
    let loop: any EventLoop
    let slots: [AgentSlot]
    let drain: Drain
    let versions: Versions
    let lifeFunctions: LifeFunctions
    let tasks: TaskQueue
    let invoker: Invoker
    let runQueue: RunQueue
    let logger: Logger

    /// Completes when what has begun is done, its effects acknowledged, or at the deadline, when what still waits is cut
    /// off. Its value names what was.
    func begin(deadline: NIODeadline) -> EventLoopFuture<[String]> {
        drain.beginStopping()
        for slot in slots {
            // What waited for it is served by the version in service.
            versions.abandonSwap(agent: slot.index, because: ScriptFailure("the host is stopping"))
            slot.live?.retire()
        }
        let promise = loop.makePromise(of: [String].self)
        let timer = loop.isolated.scheduleTask(deadline: deadline) { promise.succeed(cutOff()) }
        drain.whenDrained {
            timer.cancel()
            promise.succeed([])
        }
        return promise.futureResult
    }

    /// Ends what has not ended by itself: whoever waits for a task is told that the host stops, and a message stays
    /// unacknowledged. Spawned functions are left to the end of their version, as they may be what `on_stop` ends.
    private func cutOff() -> [String] {
        drain.endGrace()
        let names = slots.flatMap { $0.generations.flatMap(\.waitingNames) }
        let queued = slots.reduce(0) { $0 + $1.queuedTasks.count }
        logger.warning(
            "stopping without waiting longer for what is under way (GRACE)",
            metadata: [
                "messages": .stringConvertible(drain.messagesUnderWay), "queued_tasks": .stringConvertible(queued),
                "handlers": "\(names.joined(separator: ", "))",
            ])
        let cutOff = slots.flatMap { $0.generations.flatMap(\.waitingHandlers) }.map(\.name.description).sorted()
        // Before those that run: each of these that ends would let one begin.
        for slot in slots { tasks.refuseQueued(of: slot) }
        // In one go: a handler that waits for another would go on when that one ends.
        runQueue.goOn {
            for invocation in slots.flatMap({ $0.generations.flatMap(\.waitingHandlers) }) {
                invoker.end(invocation, .cutOff)
            }
        }
        return cutOff + (queued > 0 ? ["\(queued) waiting task\(queued == 1 ? "" : "s")"] : [])
    }

    /// Runs the `on_stop` functions of the versions in service, those of an agent for at most 5 s together, and all of them
    /// until the deadline.
    func runStops(deadline: NIODeadline) -> EventLoopFuture<Void> {
        let stops = slots.compactMap { slot -> EventLoopFuture<Void>? in
            guard let live = slot.live else { return nil }
            live.retire()
            return lifeFunctions.run(
                live.generation.handlers.stop, of: live, slot: slot, name: "on_stop", seconds: 5, since: loop.now)
        }
        let promise = loop.makePromise(of: Void.self)
        let timer = loop.isolated.scheduleTask(deadline: deadline) {
            logger.warning("stopping without waiting longer for on_stop")
            promise.succeed(())
        }
        EventLoopFuture.andAllComplete(stops, on: loop).assumeIsolated().whenComplete { _ in
            timer.cancel()
            promise.succeed(())
        }
        return promise.futureResult
    }
}
