import Foundation

/// The process that listens on a port, as far as the system tells: that of another user it tells the superuser alone.
struct PortOwner: CustomStringConvertible {
    let pid: Int32
    /// The name of its program.
    let name: String

    var description: String { "\(name) (process \(pid))" }

    static func of(_ port: Int) -> PortOwner? {
        let sockets = Set(
            ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { table in
                text(of: table).split(separator: "\n").compactMap { listener(on: port, $0) }
            })
        guard !sockets.isEmpty else { return nil }
        for process in names(in: "/proc") {
            guard let pid = Int32(process), pid != getpid() else { continue }
            let holds = names(in: "/proc/\(pid)/fd").contains { name in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)")
                return target.map { sockets.contains($0) } ?? false
            }
            if holds { return PortOwner(pid: pid, name: text(of: "/proc/\(pid)/comm").filter { !$0.isNewline }) }
        }
        return nil
    }

    /// What `/proc/PID/fd` calls the socket of a line of `/proc/net/tcp` that listens on the port: the second field is
    /// `address:port` in hexadecimal, the fourth the state, 0A for listening, and the tenth the number (proc_net_tcp).
    private static func listener(on port: Int, _ line: Substring) -> String? {
        let fields = line.split(separator: " ")
        guard fields.count > 9, fields[3] == "0A", let local = fields[1].split(separator: ":").last,
            Int(local, radix: 16) == port
        else { return nil }
        return "socket:[\(fields[9])]"
    }

    private static func text(of path: String) -> String {
        // The files of /proc have no length: they are read to their end.
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        return String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
    }

    private static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }
}
