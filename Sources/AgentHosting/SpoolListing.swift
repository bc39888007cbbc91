import AgentConfiguration
import AgentModel
import Foundation
import NIOCore

/// What `agenthost dlq` shows of the dead letters that no broker took, and what it asks a host to do with them.
package enum SpoolListing {
    /// A line for each topic, or one that says that there is nothing. Throws `HostFailure` or `ConfigurationError`.
    package static func topics(environment: [String: String]) throws -> [String] {
        let topics = try all(environment)
        if topics.isEmpty { return ["no dead letter is kept in \(try statePath(environment))"] }
        return topics.map { topic in
            let oldest = topic.letters.map(\.time).min() ?? 0
            let count = topic.letters.count == 1 ? "1 letter" : "\(topic.letters.count) letters"
            return "\(topic.service)  \(topic.name)  \(count)  since \(Timestamp.text(oldest))  "
                + (topic.letters.last?.reason ?? "")
        }
    }

    /// Every letter of a topic, its headers, key and value; bytes that are no text as `base64:…`.
    package static func letters(topic: String, environment: [String: String]) throws -> [String] {
        let topics = try all(environment).filter { $0.name == topic }
        guard !topics.isEmpty else { throw HostFailure(.agent, "no dead letter of the topic \(topic) is kept") }
        return topics.flatMap { topic in topic.letters.flatMap { lines(of: $0, service: topic.service) } }
    }

    /// Throws letters of a topic away, those of the ids or all; returns what was done, for people. Throws `HostFailure` when
    /// one of them is not kept.
    package static func drop(topic: String, ids: [String], environment: [String: String]) throws -> String {
        do {
            let folders = SpoolFolder.all(statePath: try statePath(environment))
            var left = Set(ids)
            var dropped = 0
            for folder in folders {
                let kept = try folder.topics().filter { $0.name == topic }.flatMap(\.letters).map(\.id)
                let wanted = ids.isEmpty ? Set(kept) : left.intersection(kept)
                guard !wanted.isEmpty else { continue }
                try folder.remove(wanted, of: topic)
                left.subtract(wanted)
                dropped += wanted.count
            }
            guard left.isEmpty, dropped > 0 else {
                let which = left.isEmpty ? "" : " with the id \(left.sorted().joined(separator: ", "))"
                throw HostFailure(.agent, "no dead letter of the topic \(topic)\(which) is kept")
            }
            return dropped == 1 ? "1 letter dropped" : "\(dropped) letters dropped"
        } catch let failure as DeliveryFailure {
            throw HostFailure(.agent, failure.description)
        }
    }

    /// Has a host send its letters again: those of one topic, or all. Throws `HostFailure` when some stay.
    package static func replay(topic: String?, readyFile: String?) async throws -> String {
        let registry = HostRegistry()
        let report = try HostChoice(readyFile: readyFile, process: nil).find(in: registry).host
        return try await ControlSocket.replay(topic: topic, pid: report.pid, in: registry)
    }

    private static func all(_ environment: [String: String]) throws -> [SpoolFolder.Topic] {
        do {
            return try SpoolFolder.all(statePath: try statePath(environment)).flatMap { try $0.topics() }
        } catch let failure as DeliveryFailure {
            throw HostFailure(.agent, failure.description)
        }
    }

    private static func statePath(_ environment: [String: String]) throws -> String {
        guard let path = try AgentConfig(.init(environment: environment)).statePath else {
            throw HostFailure(.agent, "there is no folder to look in: set STATE_PATH")
        }
        return path
    }

    private static func lines(of kept: KeptLetter, service: String) -> [String] {
        var lines = ["\(kept.id)  \(service)  \(Timestamp.text(kept.time))", "  reason  \(kept.reason)"]
        let record = kept.letter.record
        lines += record.headers.map { header in
            "  header  \(header.name): \(text(header.value.map { ByteBuffer(bytes: $0) }))"
        }
        if record.key != nil || kept.letter.transport == .kafka { lines.append("  key     \(text(record.key))") }
        lines.append("  value   \(text(record.value))")
        return lines
    }

    private static func text(_ bytes: ByteBuffer?) -> String {
        guard let bytes else { return "null" }
        return bytes.withUnsafeReadableBytes { bytes in
            String(validating: bytes, as: UTF8.self) ?? "base64:\(Base64.text(of: bytes))"
        }
    }
}
