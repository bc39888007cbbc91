import AgentModel
import AgentScript
import Logging

/// What has gone wrong with a message, and the lines of the log that tell of it.
final class MessageTrouble {
    /// Why the last attempt failed.
    var error = ""
    /// Of the handler that failed in this attempt, until it is told.
    private(set) var report: HandlerReport?
    private let log: HandlerLog

    init(log: HandlerLog) {
        self.log = log
    }

    /// False: a second failure of the same attempt is told by itself.
    func takes(_ report: HandlerReport) -> Bool {
        guard self.report == nil else { return false }
        self.report = report
        return true
    }

    /// Of a spawned function whose spawner has made it good.
    func tellMadeGood(for owner: any ScopeOwner) {
        if let report { log.write(report, for: owner) }
        report = nil
    }

    /// `fields`: whom a line is about, where what is told is not a handler's.
    func tellGivenUp(fate: String, for owner: any ScopeOwner, _ fields: () -> Logger.Metadata) {
        let report = takeReport()
        var fields = Self.fields(of: report, for: owner) ?? fields()
        fields["error"] = "\(error)"
        fields["traceback"] = report?.traceback.map { "\($0)" }
        log.logger.error("a message failed for good: \(fate)", metadata: fields)
    }

    /// A failed attempt that is not the last is one line, without the way through the script.
    func tell(
        attempt: Int, of attempts: Int, next: String, for owner: any ScopeOwner, _ fields: () -> Logger.Metadata
    ) {
        var fields = Self.fields(of: takeReport(), for: owner) ?? fields()
        fields["attempt"] = .stringConvertible(attempt)
        fields["attempts"] = .stringConvertible(attempts)
        log.logger.warning("attempt \(attempt) of \(attempts) failed, \(next): \(error)", metadata: fields)
    }

    func tellLetterWaits(_ error: String, _ fields: Logger.Metadata) {
        log.logger.error(
            "a dead letter could not be delivered; trying again, the message stays unacknowledged",
            metadata: fields.merging(["error": "\(error)"]) { $1 })
    }

    func tellLetterKept(_ id: String, because reason: String, _ fields: Logger.Metadata) {
        log.logger.error(
            "a dead letter is kept in the spool, as its broker will not take it; the partition goes on",
            metadata: fields.merging(["error": "\(reason)", "letter": "\(id)"]) { $1 })
    }

    /// What is known of the handler whose failure is told now.
    private func takeReport() -> HandlerReport? {
        defer { report = nil }
        return report?.message == error ? report : nil
    }

    private static func fields(of report: HandlerReport?, for owner: any ScopeOwner) -> Logger.Metadata? {
        report.map { Cause($0.handler, of: $0.script, for: owner).metadata }
    }
}
