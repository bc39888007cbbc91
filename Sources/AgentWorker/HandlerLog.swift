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

    /// Whom a line is about: `agent`, `version`, `handler`, and which message, task or event it had.
    static func fields(of name: HandlerName?, _ script: ScriptContext, _ scope: EffectScope?) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "agent": "\(script.name)"
        ]
        // While a script loads, its version is not known yet.
        if !script.version.isEmpty { fields["version"] = "\(script.version)" }
        scope?.describe(in: &fields)
        if let name {
            fields["handler"] = "\(name)"
            describe(name, in: &fields)
        }
        return fields
    }

    private static func describe(_ name: HandlerName, in fields: inout Logger.Metadata) {
        switch name {
        case .task(_, let id):
            fields["task_id"] = "\(id)"
            fields["correlation_id"] = "\(id)"
        case .event(_, let id, let correlation):
            fields["event_id"] = "\(id)"
            if let correlation { fields["correlation_id"] = "\(correlation)" }
        case .websocket(_, let message): fields["message_id"] = "\(message)"
        case .spawned(let parent): if let parent { describe(parent, in: &fields) }
        case .message, .raw, .function: break
        }
    }

    /// One line, of a failure that nothing else tells of.
    func write(_ report: HandlerReport, scope: EffectScope) {
        var fields = Self.fields(of: report.handler, report.script, scope)
        fields["traceback"] = report.traceback.map { "\($0)" }
        logger.error("\(report.message)", metadata: fields)
    }

    /// Logs a failure that makes the scope fail, unless that tells of it, with what becomes of it.
    func tell(_ report: HandlerReport, scope: EffectScope) {
        if !scope.takes(report) { write(report, scope: scope) }
    }

    /// Logs and counts that a broker did not take what no message had caused: nobody sends it again.
    func tell(_ failure: DeliveryFailure, of slot: AgentSlot?, scope: EffectScope) {
        slot?.counters.countError()
        var fields: Logger.Metadata = ["agent": "\(slot?.interface?.name ?? "")", "error": "\(failure)"]
        scope.describe(in: &fields)
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
        tell(HandlerReport(message, traceback: traceback, of: live.generation.script, handler: handler), scope: scope)
        return message
    }

    /// What a client, and whoever hears the events, gets to see.
    func shown(_ outcome: TaskOutcome, of live: LiveGeneration) -> TaskOutcome {
        outcome.answer == nil && outcome.isFailure && !showsPlaces
            ? outcome.withoutPlaces(in: live.generation.snapshot.sources) : outcome
    }
}
