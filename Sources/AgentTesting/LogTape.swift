import Logging
import Synchronization

/// Keeps the lines that an agent and its host log, to be shown below a test that fails.
final class LogTape: Sendable {
    private static let capacity = 200
    /// A test knows which agent it has loaded, and ids differ from run to run.
    private static let hidden: Set = [
        "traceback", "agent", "version", "handler", "message_id", "task_id", "event_id", "client_id", "correlation_id",
    ]
    private let lines = Mutex<[String]>([])

    func append(_ line: String) {
        lines.withLock { lines in
            lines.append(line)
            if lines.count > Self.capacity { lines.removeFirst(lines.count - Self.capacity) }
        }
    }

    func removeAll() { lines.withLock { $0 = [] } }

    var all: [String] { lines.withLock { $0 } }

    /// A logger that writes here.
    func logger() -> Logger {
        Logger(label: "test") { _ in Handler(tape: self) }
    }

    private struct Handler: LogHandler {
        let tape: LogTape
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        init(tape: LogTape) {
            self.tape = tape
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            var text = "\(event.level.rawValue) \(event.message)"
            for (name, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key })
            where !LogTape.hidden.contains(name) {
                let value = "\(value)"
                if !value.isEmpty, !text.contains(value) { text += " \(name)=\(value)" }
            }
            tape.append(text)
        }
    }
}
