import AgentModel
import Logging
import NIOCore

/// How log lines are written: for people, or as JSON for machines.
package enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

/// What one line of the log says.
struct LogLine: Sendable {
    private static let traceback = "traceback"

    let time: Int64
    let level: Logger.Level
    let message: String
    /// Sorted by name. What was a number or a truth value when it was logged is one here, and so are lists and objects.
    let fields: [(name: String, value: JSONValue)]

    init(_ event: LogEvent, metadata: Logger.Metadata, time: Int64 = Timestamp.now()) {
        self.time = time
        level = event.level
        message = "\(event.message)"
        var all = metadata
        if let more = event.metadata { all.merge(more) { $1 } }
        fields = all.map { ($0.key, JSONValue($0.value)) }.filter { $0.1 != .string("") }.sorted { $0.0 < $1.0 }
    }

    /// The line, without its end. `more`: how many of its kind there were in the last second that are not written.
    /// `isStyled`: text has the styles of a terminal, and of the time only that of the day.
    func text(_ format: LogFormat, isStyled: Bool = false, more: Int = 0) -> String {
        switch format {
        case .json: json(more: more)
        case .text: words(isStyled: isStyled, more: more)
        }
    }

    private func json(more: Int) -> String {
        var object: JSONObject = [
            "time": .string(Timestamp.text(time)), "level": .string(level.rawValue), "message": .string(message),
        ]
        if more > 0 { object["more_in_the_last_second"] = .integer(Int64(more)) }
        for (name, value) in fields { object[object[name] == nil ? name : "field_\(name)"] = value }
        return String(buffer: JSONValue.object(object).json())
    }

    private func words(isStyled: Bool, more: Int) -> String {
        let stamp = Timestamp.text(time)
        let start =
            ConsoleLine((isStyled ? String(stamp.drop { $0 != "T" }.dropFirst()) : stamp) + " ", .faint)
            + ConsoleLine(level.rawValue.uppercased(), level.style)
        var text = message.visible()
        if more > 0 { text += " (\(more) more in the last second)" }
        let task = fields.first { $0.name == "task_id" }?.value
        var frames = ""
        for (name, value) in fields {
            if name == Self.traceback {
                frames = "\n" + value.shown.visible(keepingLines: true)
            } else if name != "correlation_id" || value != task {
                text += " \(Self.word(name))=\(Self.word(value.shown))"
            }
        }
        return "\(start.text(styled: isStyled)) \(text)\(frames)"
    }

    /// In quotes where that is needed to see where it ends. What a client or a script sent may stand in it: nothing of
    /// that must look like a line or a field of the log, or act on a terminal.
    private static func word(_ text: String) -> String {
        let shown = text.visible()
        guard shown.utf8.count != text.utf8.count || text.utf8.contains(where: { " \"=".utf8.contains($0) }) else {
            return text
        }
        return "\"" + shown.replacing("\"", with: "\\\"") + "\""
    }

    // MARK: What is the same trouble

    /// Fields that say which of many it was, of messages or of the host's clients of one broker.
    private static let occurrences: Set = [
        traceback, "message_id", "task_id", "event_id", "client_id", "correlation_id", "letter", "kafka_client",
    ]
    private static let longestKind = 2000

    /// The same for lines that tell of the same trouble: those of one level with the same words and fields. What is said
    /// of an agent's work or by a library may hold the numbers and ids of what it had: there they make no difference,
    /// but for the line of the script and the number of the attempt.
    var kind: String {
        var kind = level.rawValue
        let mayHoldNumbers = fields.contains { $0.name == "agent" || $0.name == "kafka_client" }
        func add(_ text: String) {
            if mayHoldNumbers { Self.add(text, to: &kind) } else { kind += text.prefix(Self.longestKind) }
        }
        add(message)
        for (name, value) in fields where !Self.occurrences.contains(name) {
            kind += "\n\(name)="
            if name == "attempt" || name == "agent" { kind += value.shown } else { add(value.shown) }
        }
        return kind
    }

    private static func add(_ text: String, to kind: inout String) {
        var word: [UInt8] = []
        var hasDigit = false
        func end() {
            let isLine = kind.hasSuffix(".lua:")
            kind += hasDigit && !isLine ? "#" : String(decoding: word, as: UTF8.self)
            word.removeAll(keepingCapacity: true)
            hasDigit = false
        }
        for byte in text.utf8.prefix(longestKind) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                hasDigit = true
                word.append(byte)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "-"), 0x80...:
                word.append(byte)
            default:
                end()
                kind.append(Character(UnicodeScalar(byte)))
            }
        }
        end()
    }
}

extension Logger.Level {
    fileprivate var style: ConsoleLine.Style {
        switch self {
        case .trace, .debug: .faint
        case .info, .notice: .good
        case .warning: .warning
        case .error, .critical: .bad
        }
    }
}

extension JSONValue {
    /// A field's value: what a number, a truth value or JSON was logged as stays one, everything else is a text.
    fileprivate init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .stringConvertible(let value): self.init(logged: value)
        case .array(let values): self = .array(values.map { JSONValue($0) })
        case .dictionary(let fields):
            self = .object(JSONObject(fields.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }))
        }
    }

    private init(logged value: any CustomStringConvertible & Sendable) {
        switch value {
        case let value as JSONValue: self = value
        case let value as Bool: self = .bool(value)
        case let value as any BinaryInteger: self = Int64(exactly: value).map { .integer($0) } ?? .string("\(value)")
        case let value as Double where value.isFinite: self = .number(value)
        default: self = .string(value.description)
        }
    }
}
