import AgentModel
import NIOCore

/// A client of Server-Sent Events in a test (WHATWG HTML section 9.2). Confined to the thread of its file.
final class TestEventStream {
    struct Event {
        var id: String?
        /// The `event:` field; nil for an ordinary event.
        var name: String?
        var data: String

        /// Whether a test that names a type means this event: by its `event:` field, or the `event_type` in its data.
        func isOf(_ type: String) -> Bool {
            if name == type { return true }
            return (try? JSONValue(parsing: data))?["event_type"]?.stringValue == type
        }
    }

    private let connection: TestConnection
    private(set) var events: [Event] = []
    var isClosed: Bool { !connection.isOpen }

    init(_ connection: TestConnection) {
        self.connection = connection
    }

    /// Reads the events that have come. Call it after the loop has run.
    func collect() {
        while let end = connection.received.readableBytesView.firstRange(of: [10, 10]) {
            let begin = connection.received.readableBytesView.startIndex
            parse(String(buffer: connection.consume(end.upperBound - begin)))
        }
    }

    private func parse(_ block: String) {
        var event = Event(id: nil, name: nil, data: "")
        var hasData = false
        for line in block.split(separator: "\n") where !line.hasPrefix(":") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            switch parts[0] {
            case "id": event.id = value
            case "event": event.name = value
            case "data":
                event.data += hasData ? "\n\(value)" : value
                hasData = true
            default: break
            }
        }
        if hasData { events.append(event) }
    }

    /// Takes the first event, of a type if one is named.
    func take(_ type: String?) -> Event? {
        guard let index = events.firstIndex(where: { event in type.map(event.isOf) ?? true }) else { return nil }
        return events.remove(at: index)
    }

    func disconnect() { connection.close() }
}
