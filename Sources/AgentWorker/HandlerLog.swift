import AgentModel
import AgentScript
import Logging
import LuaRuntime

/// What the log tells of handlers, and what clients are told of their failures.
final class HandlerLog {
    let logger: Logger
    private let answersWithPlaces: Bool?

    /// `answersWithPlaces`: whether clients get errors of handlers with their places in the script; nil: while the log is at
    /// debug.
    init(_ logger: Logger, answersWithPlaces: Bool?) {
        self.logger = logger
        self.answersWithPlaces = answersWithPlaces
    }

    /// Whether what clients are told of an error says where in the script it was raised.
    var showsPlaces: Bool { answersWithPlaces ?? (logger.logLevel <= .debug) }

    /// One line, of a failure that nothing else tells of.
    func write(_ report: HandlerReport, for owner: any ScopeOwner) {
        var fields = Cause(report.handler, of: report.script, for: owner).metadata
        fields["traceback"] = report.traceback.map { "\($0)" }
        logger.error("\(report.message)", metadata: fields)
    }

    /// Logs a failure that makes the scope fail, unless that tells of it, with what becomes of it.
    func tell(_ report: HandlerReport, for owner: any ScopeOwner) {
        if !owner.takes(report) { write(report, for: owner) }
    }

    /// Logs and counts that a broker did not take what no message had caused: nobody sends it again.
    func tell(_ failure: DeliveryFailure, of slot: AgentSlot?, for owner: any ScopeOwner) {
        slot?.counters.countError()
        var fields = Cause(agent: slot?.interface?.name ?? "", for: owner).metadata
        fields["error"] = "\(failure)"
        logger.error("what a handler sent was not delivered", metadata: fields)
    }

    /// Logs and counts a failed outcome; returns its text.
    func failure(
        _ outcome: InvocationOutcome, of live: LiveGeneration, in slot: AgentSlot, handler: HandlerName,
        scope: EffectScope
    ) -> String? {
        guard let message = outcome.failure(of: handler, limit: slot.settings.taskTimeout) else { return nil }
        switch outcome {
        case .ended, .cutOff: return message
        case .returned, .failed, .timedOut: break
        }
        slot.counters.countError()
        var traceback: String?
        if case .failed(let error) = outcome { traceback = error.traceback }
        tell(
            HandlerReport(message, traceback: traceback, of: live.generation.script, handler: handler), for: scope.owner
        )
        return message
    }

    /// The scope of what no message caused; `request`: what a task came with.
    func looseScope(of slot: AgentSlot, request: RequestContext? = nil) -> EffectScope {
        let owner = slot.looseEffects ?? LooseEffects(slot, log: self)
        slot.looseEffects = owner
        return EffectScope(owner, request: request)
    }

    /// What a client, and whoever hears the events, gets to see.
    func shown(_ outcome: TaskOutcome, of live: LiveGeneration) -> TaskOutcome {
        outcome.answer == nil && outcome.isFailure && !showsPlaces
            ? outcome.withoutPlaces(in: live.generation.snapshot.sources) : outcome
    }
}
