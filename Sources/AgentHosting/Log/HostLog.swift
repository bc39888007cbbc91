import AgentModel
import AgentScript
package import Logging
import Synchronization

/// The log of the process: where its lines go, from which level on there are any, and what keeps the same trouble from
/// being told again and again. All its loggers share it.
package final class HostLog: Sendable {
    private let format: LogFormat
    private let isStyled: Bool
    private let output: @Sendable (String) -> Void
    private let troubles: TroubleLimit
    private let levels = Mutex((configured: Logger.Level.info, isDebugging: false))
    /// What `levels` comes to, for those who ask whether a line is wanted at all.
    private let current = Atomic<Int>(HostLog.rank(.info))

    /// `isStyled`: text is for a terminal that shows colours. `output` takes a whole line, its end included; standard
    /// error unless said otherwise.
    package init(
        format: LogFormat, isStyled: Bool = false,
        output: @escaping @Sendable (String) -> Void = HostLog.writeToStandardError
    ) {
        self.format = format
        self.isStyled = isStyled
        self.output = output
        troubles = TroubleLimit { line, more in
            output(line.text(format, isStyled: isStyled, more: more) + "\n")
        }
    }

    package static func writeToStandardError(_ line: String) {
        StandardStream.error.put(line)
    }

    /// A logger that writes here.
    package var logger: Logger { Logger(label: "agenthost") { _ in HostLogHandler(self) } }

    // MARK: The level

    /// The level in force.
    package var level: Logger.Level { Logger.Level.allCases[current.load(ordering: .relaxed)] }

    /// The level that the configuration says.
    package func configure(_ level: Logger.Level) {
        levels.withLock { levels in
            levels.configured = level
            put(levels.isDebugging ? .debug : level)
        }
    }

    /// Goes to debug, or back to the level that is configured, and says so.
    package func toggleDebugging() {
        let (before, after, configured) = levels.withLock { levels in
            let before = levels.isDebugging ? Logger.Level.debug : levels.configured
            // What is configured may tell as much already.
            levels.isDebugging = !levels.isDebugging && levels.configured > .debug
            let after = levels.isDebugging ? Logger.Level.debug : levels.configured
            // It is said at the more talkative level of the two, or nobody would hear of it.
            put(min(before, after))
            return (before, after, levels.configured)
        }
        logger.notice(
            before == after
                ? "the log's level stays \(after.rawValue), as is configured: debug tells nothing more"
                : "the log's level is \(after.rawValue) now; SIGUSR1 takes it back to \(after == .debug ? configured.rawValue : "debug")",
            metadata: ["log_level": "\(after.rawValue)"])
        levels.withLock { put($0.isDebugging ? .debug : $0.configured) }
    }

    private func put(_ level: Logger.Level) { current.store(Self.rank(level), ordering: .relaxed) }

    private static func rank(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

    // MARK: Lines

    func write(_ event: LogEvent, metadata: Logger.Metadata) {
        let line = LogLine(event, metadata: metadata)
        let isTrouble = event.level == .warning || event.level == .error
        // A script has asked for each of its own lines.
        guard isTrouble, event.source != ScriptLogLevel.source else {
            return output(line.text(format, isStyled: isStyled) + "\n")
        }
        troubles.tell(line)
    }

    /// Says what has been kept back until now; before the process ends.
    package func flush() { troubles.flush() }
}

/// What makes a logger write to a `HostLog`.
struct HostLogHandler: LogHandler {
    private let log: HostLog
    var metadata: Logger.Metadata = [:]
    /// Of this logger alone; nil: that of the log.
    private var own: Logger.Level?

    init(_ log: HostLog) {
        self.log = log
    }

    var logLevel: Logger.Level {
        get { own ?? log.level }
        set { own = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { log.write(event, metadata: metadata) }
}
