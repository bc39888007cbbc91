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
        log = HostLog(format: format, isStyled: Console.hasStyles(STDERR_FILENO))
        logger = log.logger
    }

    func tell(_ announcement: HostAnnouncement) {
        // What the log has kept back belongs before the last word.
        if case .stopped = announcement { log.flush() }
        guard format == .json else {
            var isStopping = false
            if case .stopping = announcement { isStopping = true }
            return Console.lines(announcement.lines, afterKey: isStopping)
        }
        switch announcement {
        case .started(let report):
            for line in report.endpoints { Console.line(line) }
            record(report)
        case .stopping(let work, let grace):
            logger.notice(
                "stopping",
                metadata: [
                    "tasks": .stringConvertible(work.tasks), "messages": .stringConvertible(work.messages),
                    "grace": .stringConvertible(grace / .seconds(1)),
                ])
        case .stopped(let time, let cutOff):
            logger.log(
                level: cutOff.isEmpty ? .notice : .warning, cutOff.isEmpty ? "stopped cleanly" : "stopped",
                metadata: [
                    "seconds": .stringConvertible(time / .seconds(1)), "cut_off": .array(cutOff.map { "\($0)" }),
                ])
        }
    }

    /// The last words of a host that a second signal ends.
    func endedAtOnce(by signal: String) {
        let message = "ended at once by a second \(signal): what was under way is not finished"
        guard format == .text else { return logger.warning("\(message)") }
        Console.lines([ConsoleLine(message, .warning)], afterKey: true)
    }

    /// Ends the program with a message and an exit code of the contract.
    func fail(_ message: String, code: Int32) -> Never {
        log.flush()
        if format == .text { agenthost.fail(message, code: code) }
        logger.critical("\(message)", metadata: ["exit_code": .stringConvertible(code)])
        exit(code)
    }

    private func record(_ report: StartReport) {
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
