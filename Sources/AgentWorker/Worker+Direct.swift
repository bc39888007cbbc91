package import AgentModel
package import AgentScript
package import NIOCore

/// The worker driven step by step on its own loop, as tests of agents do.
extension Worker {
    /// `load` without a thread of its own: the script has run when it returns. `prepare` sees the generation before it
    /// becomes the candidate.
    package func loadDirectly(
        _ snapshot: ScriptSnapshot, agent: Int, number: Int,
        settings: @escaping (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings,
        prepare: (Generation) throws(ScriptFailure) -> Void = { _ in }
    ) -> EventLoopFuture<AgentInterface> {
        loop.preconditionInEventLoop()
        do throws(ScriptFailure) {
            let generation = try Generation(
                snapshot: snapshot, agentIndex: agent, number: number, limits: limits, host: self, eventLoop: loop,
                settings: settings)
            try prepare(generation)
            let interface = try generation.interface
            discardCandidate(agent: agent)
            slots[agent].candidate = LiveGeneration(generation, metrics: metrics)
            return loop.makeSucceededFuture(interface)
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    /// The generation in service.
    package func generation(agent: Int) -> Generation? {
        loop.preconditionInEventLoop()
        return slots[agent].live?.generation
    }

    /// Sends a dead letter that was kept; completes once its broker has answered.
    package func deliver(_ letter: DeadLetter, completion: @escaping (DeliveryFailure?) -> Void) {
        loop.preconditionInEventLoop()
        let scope = ObservedScope(completion)
        scope.beginHandler()
        dispatcher.send(letter, for: scope)
        scope.endHandler()
    }

    /// An event from outside; completes once its handlers have ended and their effects have settled.
    package func inject(_ event: RealtimeEvent, completion: @escaping (DeliveryFailure?) -> Void) {
        loop.preconditionInEventLoop()
        let scope = ObservedScope(completion)
        scope.beginHandler()
        emit(event, for: scope, depth: 0)
        scope.endHandler()
    }
}

/// Tells, once, what became of a cause.
private final class ObservedScope: EffectScope {
    private var completion: ((DeliveryFailure?) -> Void)?

    init(_ completion: @escaping (DeliveryFailure?) -> Void) {
        self.completion = completion
    }

    override func settled(_ failure: DeliveryFailure?) {
        let completion = completion
        self.completion = nil
        completion?(failure)
    }
}
