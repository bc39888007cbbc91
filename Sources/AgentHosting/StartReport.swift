package import AgentModel
import Foundation

/// What a host has started: what it prints when everything accepts traffic.
package struct StartReport: Sendable {
    /// Those in service, in the order in which they were named.
    package var agents: [AgentDescription]
    package var ready: ReadyReport
    package var isKafkaEmbedded: Bool
    package var isMQTTEmbedded: Bool
    package var missing: [MissingBroker]
    /// Absolute paths of the files whose change reloads an agent; nil when none does.
    package var watched: [String]?
    /// How long what is under way may take to finish when the host stops.
    package var grace: Duration

    package init(
        agents: [AgentDescription], ready: ReadyReport, isKafkaEmbedded: Bool, isMQTTEmbedded: Bool,
        missing: [MissingBroker], watched: [String]?, grace: Duration
    ) {
        self.agents = agents
        self.ready = ready
        self.isKafkaEmbedded = isKafkaEmbedded
        self.isMQTTEmbedded = isMQTTEmbedded
        self.missing = missing
        self.watched = watched
        self.grace = grace
    }

    /// One line an endpoint.
    package var endpoints: [String] {
        ready.lines(kafkaEmbedded: isKafkaEmbedded, mqttEmbedded: isMQTTEmbedded)
    }

    /// The brokers that are there.
    private var sources: [TransportName] {
        (ready.kafka == nil ? [] : [.kafka]) + (ready.mqtt == nil ? [] : [.mqtt])
    }

    /// The files watched, as somebody in the folder would name them.
    package func watchedNames(from folder: String = FileManager.default.currentDirectoryPath) -> [String] {
        (watched ?? []).sorted().map { $0.hasPrefix("\(folder)/") ? String($0.dropFirst(folder.utf8.count + 1)) : $0 }
    }

    // MARK: Lines

    /// The whole report, for people.
    package func lines(in folder: String = FileManager.default.currentDirectoryPath) -> [ConsoleLine] {
        agents.flatMap(lines(of:)) + around(folder)
            + missing.map { ConsoleLine("\($0)", .warning) }
            + endpoints.map { ConsoleLine($0, .good) }
            + [ConsoleLine("Ctrl-C stops, and SIGTERM; what is under way has \(seconds) s to finish", .faint)]
    }

    private var seconds: String { TaskFailure.text(grace / .seconds(1)) }

    private func lines(of agent: AgentDescription) -> [ConsoleLine] {
        let version = ConsoleLine("  version \(agent.version)", .faint)
        let kind = ConsoleLine(agent.isRealtime ? "realtime agent " : "agent ", .faint)
        let heading = kind + ConsoleLine(agent.name, .strong) + ConsoleLine("  \(agent.file)") + version
        var lines = [heading]
        for kind in AgentDescription.Line.Kind.allCases {
            let all = agent.lines.filter { $0.kind == kind && isTold($0, of: agent) }
            let shown = all.count > most ? most - 1 : all.count
            lines += all.prefix(shown).map(line(of:))
            if shown < all.count {
                lines.append(ConsoleLine("  \(kind.label) and \(all.count - shown) more: agenthost check", .faint))
            }
        }
        return lines
    }

    /// How many lines of a kind an agent has here: all of them are for `agenthost check`.
    private var most: Int {
        switch agents.count {
        case ...2: 10
        case ...5: 4
        default: 3
        }
    }

    /// A task is told with its endpoint, and overlaps are for who looks closer.
    private func isTold(_ line: AgentDescription.Line, of agent: AgentDescription) -> Bool {
        switch line.kind {
        case .overlap: false
        case .task: !agent.lines.contains { $0.kind == .endpoint && $0.detail == "task \(line.subject)" }
        default: true
        }
    }

    private func line(of line: AgentDescription.Line) -> ConsoleLine {
        let start = ConsoleLine("  \(line.kind.label) ", .faint) + ConsoleLine(line.subject)
        guard line.kind == .topic else {
            return line.detail.isEmpty ? start : start + ConsoleLine("  \(line.detail)", .faint)
        }
        let subscribed = line.sources.filter(sources.contains).map(\.description).joined(separator: ", ")
        return start
            + (subscribed.isEmpty ? ConsoleLine("  no broker", .warning) : ConsoleLine("  \(subscribed)", .faint))
    }

    /// What every host has, and the files that it looks at.
    private func around(_ folder: String) -> [ConsoleLine] {
        let realtime = ", /realtime/status, /stream/events; WebSocket /ws, /ws/events"
        let names = watchedNames(from: folder)
        let files = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        return [
            "built in     GET /health, /livez, /readyz, /metrics, /capabilities\(agents.contains(where: \.isRealtime) ? realtime : "")",
            "watching     \(watched == nil ? "nothing: SIGHUP reloads" : files.isEmpty ? "nothing: there is no file" : files)",
        ].map { ConsoleLine($0, .faint) }
    }
}
