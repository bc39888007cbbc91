import AgentModel
import ArgumentParser
import Foundation
import Logging
import NIOCore

enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// Writes log lines to standard error, for people or for machines.
struct HostLogHandler: LogHandler {
    let format: LogFormat
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(format: LogFormat) {
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let more = event.metadata { fields.merge(more) { $1 } }
        let named = fields.map { ($0.key, "\($0.value)") }.filter { !$0.1.isEmpty }.sorted { $0.0 < $1.0 }
        let time = Timestamp.text(Timestamp.now())
        let line: String
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(time), "level": .string(event.level.rawValue), "message": .string("\(event.message)"),
            ]
            for (name, value) in named { object[object[name] == nil ? name : "field_\(name)"] = .string(value) }
            line = String(buffer: JSONValue.object(object).json())
        case .text:
            var text = "\(time) \(event.level.rawValue.uppercased()) \("\(event.message)".visible())"
            var traceback = ""
            for (name, value) in named {
                if name == "traceback" {
                    traceback = "\n" + value.visible(keepingLines: true)
                } else if name != "correlation_id" || value != fields["task_id"]?.description {
                    text += " \(Self.word(name))=\(Self.word(value))"
                }
            }
            line = text + traceback
        }
        FileHandle.standardError.write(Data((line + "\n").utf8))
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
}
