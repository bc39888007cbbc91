import AgentModel
import Foundation
import NIOCore

/// Where the hosts that run on this machine are reached: a file for each, and its control socket, in a folder that is
/// the user's alone. `agenthost send` looks there.
struct HostRegistry {
    /// Why the folder cannot be trusted, or not be had; for people.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// What the file of a host says: its ready file, and when its process began, so that a later process of the same
    /// number is not taken for it.
    private struct Entry {
        var report: ReadyReport
        /// Clock ticks from the start of the system; nil where the system does not tell.
        var started: Int64?

        var value: JSONValue {
            ["report": report.value, "started": started.map { .integer($0) } ?? .null]
        }

        init(report: ReadyReport, started: Int64?) {
            self.report = report
            self.started = started
        }

        /// What a file holds; nil for one that is no entry.
        init?(contentsOf path: String) {
            guard let data = FileManager.default.contents(atPath: path),
                let value = try? JSONValue(parsing: ByteBuffer(bytes: data)),
                let report = value["report"].flatMap({ ReadyReport($0) })
            else { return nil }
            self.init(report: report, started: value["started"]?.integerValue)
        }
    }

    private let folder: String

    /// In `XDG_RUNTIME_DIR`, else in the folder for temporary files.
    init() {
        self.init(base: TemporaryFolder.absolute("XDG_RUNTIME_DIR") ?? TemporaryFolder.path)
    }

    init(base: String) {
        folder = "\(base == "/" ? "" : base)/agenthost-\(geteuid())"
    }

    /// The socket on which the host of a process takes events.
    func socketPath(pid: Int32) -> String { "\(folder)/\(pid).sock" }

    private func file(_ pid: Int32) -> String { "\(folder)/\(pid).json" }

    // MARK: Hosts

    /// Makes the folder if it is not there, and removes what hosts that are gone have left.
    func prepare() throws(Unusable) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw Unusable(description: "\(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
        try check()
        sweep()
    }

    func enter(_ report: ReadyReport) throws {
        try prepare()
        let entry = Entry(report: report, started: Self.started(report.pid))
        let path = file(report.pid)
        // In one step, so that nobody reads half of it.
        try Data(entry.value.description.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        chmod(path, 0o600)
    }

    func leave(pid: Int32) {
        unlink(file(pid))
        unlink(socketPath(pid: pid))
    }

    /// Whoever else may write here could lead messages to a broker of their own: the folder must be one, not a link to
    /// one, belong to the user, and be closed to everybody else.
    private func check() throws(Unusable) {
        var status = stat()
        guard lstat(folder, &status) == 0 else {
            throw Unusable(description: "\(folder): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(description: "\(folder) is no folder (a link to one is not taken): move it away")
        }
        guard status.st_uid == geteuid() else {
            throw Unusable(
                description:
                    "\(folder) belongs to another user: have it removed, or set XDG_RUNTIME_DIR to a folder of "
                    + "your own")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Unusable(
                description: "\(folder) is open to other users, who may have put files there: remove it")
        }
    }

    private func sweep() {
        for name in names {
            guard let pid = Int32(name.prefix { $0 != "." }), !isAlive(pid) else { continue }
            leave(pid: pid)
        }
    }

    private var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    /// Whether the process runs, and is the one that made the entry. A socket without an entry is one of a host that
    /// starts.
    private func isAlive(_ pid: Int32) -> Bool {
        guard kill(pid, 0) == 0 || errno == EPERM else { return false }
        guard let entry = entry(pid), let started = entry.started else { return true }
        return started == Self.started(pid)
    }

    private func entry(_ pid: Int32) -> Entry? { Entry(contentsOf: file(pid)) }

    /// Field 22 of proc_pid_stat(5).
    static func started(_ pid: Int32) -> Int64? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        // The second field is the program's name in parentheses, which may hold anything.
        let fields = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 19 ? Int64(fields[19]) : nil
    }

    // MARK: Senders

    /// The hosts that live, the one started last first.
    func hosts() throws(Unusable) -> [ReadyReport] {
        var status = stat()
        if lstat(folder, &status) != 0, errno == ENOENT { return [] }
        try check()
        let entries = names.compactMap { name -> Entry? in
            guard name.hasSuffix(".json"), let pid = Int32(name.dropLast(5)), let entry = entry(pid),
                entry.report.pid == pid, isAlive(pid)
            else { return nil }
            return entry
        }
        return entries.sorted { $0.started ?? 0 > $1.started ?? 0 }.map(\.report)
    }
}
