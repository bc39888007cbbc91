import AgentModel
import Foundation

/// Where the hosts that run on this machine are reached: a file for each in a directory that is the user's alone.
/// `agenthost send` looks there.
enum HostRegistry {
    private static var directory: URL {
        let base = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? NSTemporaryDirectory()
        return URL(fileURLWithPath: base).appendingPathComponent("agenthost-\(getuid())")
    }

    private static func file(_ pid: Int32) -> URL { directory.appendingPathComponent("\(pid).json") }

    /// The socket on which the host of a process takes events.
    static func socketPath(pid: Int32) -> String { directory.appendingPathComponent("\(pid).sock").path }

    /// Makes the directory, readable for its owner only. Throws when it belongs to somebody else.
    static func prepare() throws {
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path)
        guard attributes[.ownerAccountID] as? NSNumber == NSNumber(value: getuid()) else {
            throw HostFailure(.resource, "\(directory.path) belongs to another user")
        }
    }

    static func enter(_ report: ReadyReport) throws {
        try prepare()
        try report.write(to: file(report.pid).path)
    }

    static func leave(pid: Int32) {
        try? FileManager.default.removeItem(at: file(pid))
        try? FileManager.default.removeItem(atPath: socketPath(pid: pid))
    }

    /// The host started last of those that live.
    static func newest() -> ReadyReport? {
        let files =
            (try? FileManager.default.contentsOfDirectory(
                at: directory, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
        let reports = files.filter { $0.pathExtension == "json" }
            .compactMap { file -> (ReadyReport, Date)? in
                guard let report = read(file.path), kill(report.pid, 0) == 0 else { return nil }
                let date = try? file.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate
                return (report, date ?? .distantPast)
            }
        return reports.max { $0.1 < $1.1 }?.0
    }

    static func read(_ path: String) -> ReadyReport? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(ReadyReport.self, from: data)
    }
}
