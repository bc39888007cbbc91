/// Which of the hosts that run is meant.
package enum HostChoice: Sendable {
    /// The one that wrote the ready file.
    case readyFile(String)
    case process(Int32)
    /// The one started last.
    case newest

    package init(readyFile: String?, process: Int32?) {
        self = readyFile.map { .readyFile($0) } ?? process.map { .process($0) } ?? .newest
    }

    /// The host, and the others from which it was chosen although nobody had named one. Throws `HostFailure`.
    func find(in registry: HostRegistry) throws -> (host: ReadyReport, others: [ReadyReport]) {
        if case .readyFile(let path) = self {
            guard let read = ReadyReport(contentsOf: path) else {
                throw HostFailure(.agent, "\(path): no ready file of a running host")
            }
            return (read, [])
        }
        let hosts: [ReadyReport]
        do throws(HostRegistry.Unusable) {
            hosts = try registry.hosts()
        } catch {
            throw HostFailure(.agent, "\(error); until then, name the ready file of the host with --ready-file")
        }
        guard let newest = hosts.first else {
            throw HostFailure(
                .agent,
                "no host runs that this user has started: start one with `agenthost run AGENT.lua`, or name the ready file "
                    + "of one with --ready-file")
        }
        guard case .process(let pid) = self else { return (newest, Array(hosts.dropFirst())) }
        guard let host = hosts.first(where: { $0.pid == pid }) else {
            throw HostFailure(.agent, "process \(pid) is no host; these run: \(Self.list(hosts))")
        }
        return (host, [])
    }

    static func list(_ hosts: [ReadyReport]) -> String { hosts.map(\.named).joined(separator: ", ") }
}

extension ReadyReport {
    /// "http://127.0.0.1:8080 (process 123)".
    var named: String { "\(http ?? kafka ?? mqtt ?? "a host") (process \(pid))" }
}
