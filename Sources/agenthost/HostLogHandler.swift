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
            var text = "\(time) \(event.level.rawValue.uppercased()) \(Self.oneLine("\(event.message)"))"
            var traceback = ""
            for (name, value) in named {
                if name == "traceback" {
                    traceback = "\n" + value
                } else if name != "correlation_id" || value != fields["task_id"]?.description {
                    text +=
                        " \(name)=\(value.contains(" ") || value.contains("\n") ? "\"\(Self.oneLine(value))\"" : value)"
                }
            }
            line = text + traceback
        }
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// What a client sent may stand in a message: a line break in it must not look like a line of the log.
    private static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline) ? text.split(whereSeparator: \.isNewline).joined(separator: "\\n") : text
    }
}
