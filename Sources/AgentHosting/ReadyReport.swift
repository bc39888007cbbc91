import AgentModel
import Foundation
import NIOCore

/// Where a running host is reached: the lines that it prints when it accepts traffic, and its ready file.
package struct ReadyReport: Sendable, Equatable {
    /// `http://127.0.0.1:8080`
    package var http: String?
    /// Bootstrap servers.
    package var kafka: String?
    /// `host:port`
    package var mqtt: String?
    package var pid: Int32

    package init(http: String?, kafka: String?, mqtt: String?, pid: Int32 = getpid()) {
        self.http = http
        self.kafka = kafka
        self.mqtt = mqtt
        self.pid = pid
    }

    /// What a ready file says; nil when there is none, or something else.
    init?(contentsOf path: String) {
        guard let data = FileManager.default.contents(atPath: path),
            let value = try? JSONValue(parsing: ByteBuffer(bytes: data))
        else { return nil }
        self.init(value)
    }

    /// What `value` was made of; nil for another.
    init?(_ value: JSONValue) {
        guard let pid = value["pid"]?.integerValue.flatMap({ Int32(exactly: $0) }) else { return nil }
        self.init(
            http: value["http"]?.stringValue, kafka: value["kafka"]?.stringValue, mqtt: value["mqtt"]?.stringValue,
            pid: pid)
    }

    /// What is to be known of an embedded broker: it asks nobody for a password.
    private static let embedded = "  embedded, in memory, open to every user of this machine"

    /// One line an endpoint.
    package func lines(kafkaEmbedded: Bool, mqttEmbedded: Bool) -> [String] {
        var lines: [String] = []
        if let http { lines.append(http) }
        if let kafka { lines.append("kafka \(kafka)\(kafkaEmbedded ? Self.embedded : "")") }
        if let mqtt { lines.append("mqtt \(mqtt)\(mqttEmbedded ? Self.embedded : "")") }
        return lines
    }

    package var json: String { value.description }

    var value: JSONValue {
        [
            "http": http.map { .string($0) } ?? .null, "kafka": kafka.map { .string($0) } ?? .null,
            "mqtt": mqtt.map { .string($0) } ?? .null, "pid": .integer(Int64(pid)),
        ]
    }

    /// Why a ready file cannot be written there, so that it is said before anything starts; nil when nothing speaks
    /// against it.
    package static func obstacle(to path: String) -> String? {
        guard !path.isEmpty else { return "a path is expected" }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var status = stat()
        guard stat(folder, &status) == 0 else { return "there is no folder \(folder); make it first" }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(folder) is no folder" }
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            return "it is a folder; name a file in it"
        }
        guard access(folder, W_OK | X_OK) == 0 else { return "\(folder): \(ErrorText.system(errno))" }
        return nil
    }

    /// Writes the file whole or not at all: whoever waits for it never reads half of it.
    package func write(to path: String) throws {
        try Data((json + "\n").utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
