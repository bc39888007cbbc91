import AgentModel

/// What a host tells whoever started it. What happens in between is for the log.
package enum HostAnnouncement: Sendable {
    /// Everything accepts traffic.
    case started(StartReport)
    /// Nothing new begins; what is under way has so long to finish.
    case stopping(WorkUnderWay, grace: Duration)
    /// The end: how long the stop took, and the names of what was cut off.
    case stopped(after: Duration, cutOff: [String])

    /// For people.
    package var lines: [ConsoleLine] {
        switch self {
        case .started(let report): report.lines()
        case .stopping(let work, let grace): [ConsoleLine(Self.stopping(work, grace))]
        case .stopped(let time, []): [ConsoleLine("stopped cleanly after \(Self.seconds(time)) s", .good)]
        case .stopped(let time, let names):
            [ConsoleLine("stopped after \(Self.seconds(time)) s; cut off: \(names.joined(separator: ", "))", .warning)]
        }
    }

    private static func stopping(_ work: WorkUnderWay, _ grace: Duration) -> String {
        guard !work.isNone else { return "stopping; nothing is under way" }
        return "stopping: \(work) may take \(seconds(grace)) s to finish; Ctrl-C again ends at once"
    }

    /// To a tenth.
    package static func seconds(_ duration: Duration) -> String {
        TaskFailure.text((duration / .seconds(1) * 10).rounded() / 10)
    }
}

/// What a host that stops waits for.
package struct WorkUnderWay: Sendable, Equatable, CustomStringConvertible {
    /// Those that wait for their turn included.
    package var tasks: Int
    /// Those whose handlers run, and those of whose effects some are not acknowledged.
    package var messages: Int

    package init(tasks: Int = 0, messages: Int = 0) {
        self.tasks = tasks
        self.messages = messages
    }

    package var isNone: Bool { tasks == 0 && messages == 0 }

    package var description: String {
        [(tasks, "task"), (messages, "message")].filter { $0.0 > 0 }
            .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: " and ")
    }
}
