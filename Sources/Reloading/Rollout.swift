package import AgentModel
package import AgentScript
package import AgentWorker
package import LuaRuntime
package import NIOCore
import Synchronization

/// One version of one agent on its way into service, on all workers of a host or on none. The order is always the same,
/// in a host as in a test of an agent:
///
/// 1. read, compile and run the script, beside the version in service, and check what it declares;
/// 2. on each worker hold what comes, copy the state at a moment without a handler in flight, run `on_start` on the copy;
/// 3. when all workers are ready, put the version in service on each: routes, what was held, timers;
/// 4. subscribe to its topics, which is the caller's.
///
/// A failure up to 3 leaves the version before and its state on every worker: these were not touched.
package final class Rollout: Sendable {
    /// Brings the script of the version into a worker, as its candidate.
    package typealias Load = @Sendable (Worker) -> EventLoopFuture<AgentInterface>

    package let agent: Int
    private let workers: [Worker]
    private let loader: Load
    private let interrupt: LuaInterrupt
    private let fate = Mutex(Fate.open)

    private enum Fate {
        case open, committed
        case abandoned(ScriptFailure)
    }

    package init(agent: Int, workers: [Worker], interrupt: LuaInterrupt = LuaInterrupt(), load: @escaping Load) {
        self.agent = agent
        self.workers = workers
        self.interrupt = interrupt
        loader = load
    }

    /// Step 1. Completes on the first worker's loop when all have loaded, with what the version declares; `validate`
    /// checks that against other agents. On a failure no worker has a candidate.
    package func load(
        validate: @escaping @Sendable (AgentInterface) throws -> Void
    ) -> EventLoopFuture<AgentInterface> {
        let loaded = onAllWorkers { worker in self.loader(worker) }
        return discardingOnFailure(
            loaded.flatMapThrowing { interfaces in
                guard let interface = interfaces.last else { throw ScriptFailure("there is no worker to load it") }
                try validate(interface)
                return interface
            })
    }

    /// Steps 2 and 3. `swapped` runs on each worker's loop in the turn in which the version begins to serve there.
    /// Completes with the topics that it wants.
    package func swap(_ swapped: @escaping @Sendable (Worker) -> Void) -> EventLoopFuture<Subscriptions> {
        let agent = agent
        let ready = onAllWorkers { worker in worker.loop.flatSubmit { worker.beginSwap(agent: agent) } }
        return discardingOnFailure(ready.flatMapThrowing { _ in try self.commit() }).flatMap {
            self.onAllWorkers { worker in
                worker.loop.submit {
                    worker.commitSwap(agent: agent) { swapped(worker) }
                    return worker.subscriptions(agent: agent)
                }
            }
        }.map { $0.first ?? Subscriptions() }
    }

    /// Why it was given up before the version was in service; nil if it was not.
    package var abandonment: ScriptFailure? {
        fate.withLock { fate in
            guard case .abandoned(let failure) = fate else { return nil }
            return failure
        }
    }

    /// Ends the rollout unless the version is about to serve: what loads is interrupted, what has begun to swap goes
    /// back.
    package func abandon(because failure: ScriptFailure) {
        let isAbandoned = fate.withLock { fate in
            guard case .open = fate else { return false }
            fate = .abandoned(failure)
            return true
        }
        guard isAbandoned else { return }
        interrupt.raise()
        for worker in workers {
            worker.loop.execute { [agent] in worker.abandonSwap(agent: agent, because: failure) }
        }
    }

    /// From here on all workers serve the version, or none does.
    private func commit() throws {
        try fate.withLock { fate in
            if case .abandoned(let failure) = fate { throw failure }
            fate = .committed
        }
    }

    private func discardingOnFailure<Value: Sendable>(_ future: EventLoopFuture<Value>) -> EventLoopFuture<Value> {
        let agent = agent
        return future.flatMapError { error in
            self.onAllWorkers { worker in
                worker.loop.submit { worker.abandonSwap(agent: agent, because: ScriptFailure(describing: error)) }
            }.flatMapThrowing { _ in throw error }
        }
    }

    /// Does something on all workers at once. Fails with the first failure when all are done: nothing of it still runs
    /// then.
    private func onAllWorkers<Value: Sendable>(
        _ work: @Sendable (Worker) -> EventLoopFuture<Value>
    ) -> EventLoopFuture<[Value]> {
        EventLoopFuture.whenAllComplete(workers.map(work), on: workers[0].loop).flatMapThrowing { results in
            try results.map { try $0.get() }
        }
    }
}
