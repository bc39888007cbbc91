import Logging
import Synchronization

/// Keeps the lines that are logged.
struct LogLines: LogHandler {
    final class Store: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }

        func append(_ line: String) { lines.withLock { $0.append(line) } }

        func count(containing text: String) -> Int { all.count { $0.contains(text) } }
    }

    let store: Store
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    init(_ store: Store) {
        self.store = store
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        store.append("\(event.level): \(event.message) \(fields.joined(separator: " "))")
    }
}
