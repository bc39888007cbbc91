import AgentModel
import AgentScript
import Delivery
import LuaRuntime
import NIOCore

/// The functions around a version's life, `on_start` and `on_stop`. Confined to its loop.
final class LifeFunctions {
    private let loop: any EventLoop
    private let invoker: Invoker
    private let runQueue: RunQueue
    private let log: HandlerLog

    init(loop: any EventLoop, invoker: Invoker, runQueue: RunQueue, log: HandlerLog) {
        self.loop = loop
        self.invoker = invoker
        self.runQueue = runQueue
        self.log = log
    }

    /// Runs functions one after another, together for at most so many seconds; the first error ends it.
    func run(
        _ functions: [LuaReference], of live: LiveGeneration, slot: AgentSlot, name: StaticString, seconds: Int64,
        since began: NIODeadline
    ) -> EventLoopFuture<Void> {
        guard let function = functions.first else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        let file = live.generation.snapshot.name
        // What it sends is under way then: a broker that is away holds up no start. Nor does a spawned function.
        let scope = log.looseScope(of: slot)
        let left = Double(seconds) - Double((loop.now - began).nanoseconds) / 1e9
        guard left > 0 else {
            return loop.makeFailedFuture(
                ScriptFailure("\(file): \(name) functions took longer than \(seconds) s together"))
        }
        invoker.run(
            function, of: live, scope: scope, name: .function(name), timeLimit: left,
            arguments: { _ in 0 },
            finish: { [self] outcome in
                switch outcome {
                case .returned: promise.succeed(())
                case .failed(let error):
                    log.write(
                        HandlerReport(
                            error.message, traceback: error.traceback, of: live.generation.script,
                            handler: .function(name)),
                        for: scope.owner)
                    promise.fail(ScriptFailure(error))
                case .timedOut, .ended, .cutOff:
                    let what = outcome.failure(of: .function(name), limit: Double(seconds)) ?? ""
                    promise.fail(ScriptFailure("\(file): \(what)"))
                }
            })
        let rest = Array(functions.dropFirst())
        return promise.futureResult.assumeIsolated()
            .flatMap { () -> EventLoopFuture<Void> in
                guard !rest.isEmpty else { return self.loop.makeSucceededVoidFuture() }
                let done = self.loop.makePromise(of: Void.self)
                self.runQueue.laterInTurn {
                    self.run(rest, of: live, slot: slot, name: name, seconds: seconds, since: began)
                        .cascade(to: done)
                }
                self.runQueue.drain()
                return done.futureResult
            }.nonisolated()
    }
}
