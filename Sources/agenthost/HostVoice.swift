import AgentHosting
import AgentModel
import Foundation
import Logging

/// How `agenthost run` speaks: to people on standard output, or to machines, as records of the log.
///
/// The log is on standard error, and has in JSON nothing but JSON; standard output then keeps the lines that say where the
/// host is reached.
struct HostVoice: Sendable {
    let format: LogFormat
    let log: HostLog
    let logger: Logger

    init(format: LogFormat) {
        self.format = format
        log = HostLog(format: format)
        logger = log.logger
    }

    func tell(_ announcement: HostAnnouncement) {
        switch (announcement, format) {
        case (.started(let report), .text):
            for line in report.lines() { Console.line(line) }
        case (.started(let report), .json):
            for line in report.endpoints { Console.line(line) }
            log(report)
        }
    }

    /// Ends the program with a message and an exit code of the contract.
    func fail(_ message: String, code: Int32) -> Never {
        log.flush()
        if format == .text { agenthost.fail(message, code: code) }
        logger.critical("\(message)", metadata: ["exit_code": .stringConvertible(code)])
        exit(code)
    }

    private func log(_ report: StartReport) {
        for agent in report.agents {
            var fields: Logger.Metadata = [
                "agent": "\(agent.name)", "file": "\(agent.file)", "version": "\(agent.version)",
            ]
            for (kind, lines) in Dictionary(grouping: agent.lines, by: \.kind) {
                fields[kind.rawValue] = .array(lines.map { "\($0.subject)" })
            }
            logger.notice("agent in service", metadata: fields)
        }
        for missing in report.missing { logger.warning("\(missing)") }
        logger.notice(
            "ready",
            metadata: [
                "http": "\(report.ready.http ?? "")", "kafka": "\(report.ready.kafka ?? "")",
                "mqtt": "\(report.ready.mqtt ?? "")", "watching": .array(report.watchedNames().map { "\($0)" }),
            ])
    }
}
