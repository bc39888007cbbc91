/// What a version of an agent declares, a line each: all of it for `agenthost check`, in short for a host that starts.
package struct AgentDescription: Sendable, Equatable {
    package struct Line: Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable {
            case endpoint, websocket, stream
            case files = "static"
            case task, topic, overlap, event, message, timer
        }

        package var kind: Kind
        /// What is declared: a path, a topic, a type.
        package var subject: String
        /// What else is to be known of it; empty when that is nothing.
        package var detail: String
        /// Of a topic, the brokers on which it is wanted.
        package var sources: [TransportName]

        package init(_ kind: Kind, _ subject: String, _ detail: String = "", sources: [TransportName] = []) {
            self.kind = kind
            self.subject = subject
            self.detail = detail
            self.sources = sources
        }

        package var text: String {
            let parts = [subject, sources.map(\.description).joined(separator: ", "), detail].filter { !$0.isEmpty }
            return "  \(kind.label) \(parts.joined(separator: "  "))"
        }
    }

    package var name: String
    package var isRealtime: Bool
    /// The path of the script, as it was named.
    package var file: String
    package var version: String
    package var lines: [Line]
    /// What the script may do and probably does not mean, a line each: `file:line: …`.
    package var warnings: [String]

    package init(
        name: String, isRealtime: Bool, file: String, version: String, lines: [Line], warnings: [String] = []
    ) {
        self.name = name
        self.isRealtime = isRealtime
        self.file = file
        self.version = version
        self.lines = lines
        self.warnings = warnings
    }

    package var heading: String { "\(isRealtime ? "realtime agent" : "agent") \(name)  \(file)  version \(version)" }

    /// The heading, then a line for each thing.
    package var text: [String] { [heading] + lines.map(\.text) }
}

extension AgentDescription.Line.Kind {
    /// As wide as the widest, so that what follows stands in a column.
    package var label: String { rawValue.padded(to: 10) }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
