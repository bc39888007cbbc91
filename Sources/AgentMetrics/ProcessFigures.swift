import Foundation

/// What every process has, as Prometheus' client libraries define it ("Writing client libraries", process metrics). Read
/// from proc(5) when it is asked for; what the system does not tell is left out.
package enum ProcessFigures {
    package static let help = [
        "process_cpu_seconds_total": "Total user and system CPU time spent in seconds.",
        "process_open_fds": "Number of open file descriptors.",
        "process_max_fds": "Maximum number of open file descriptors.",
        "process_virtual_memory_bytes": "Virtual memory size in bytes.",
        "process_resident_memory_bytes": "Resident memory size in bytes.",
        "process_start_time_seconds": "Start time of the process since unix epoch in seconds.",
    ]

    package static func observe(in registry: PrometheusRegistry) {
        func observe(_ label: String, isCounter: Bool = false, _ read: @escaping @Sendable () -> Double?) {
            registry.observe(label, isCounter: isCounter) { read().map { [Observation([], $0)] } ?? [] }
        }
        observe("process_cpu_seconds_total", isCounter: true) {
            // Fields 14 and 15 of proc_pid_stat(5).
            guard let stat = stat(), let user = Double(stat[11]), let system = Double(stat[12]) else { return nil }
            return (user + system) / ticks
        }
        observe("process_open_fds") {
            // Without the one that reads the folder.
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { Double($0.count - 1) }
        }
        observe("process_max_fds") {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
            return Double(limit.rlim_cur)
        }
        observe("process_virtual_memory_bytes") { stat().flatMap { Double($0[20]) } }
        observe("process_resident_memory_bytes") {
            stat().flatMap { Double($0[21]) }.map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
        }
        let started = startTime()
        observe("process_start_time_seconds") { started }
    }

    private static let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))

    /// The fields of proc_pid_stat(5) from the third on.
    private static func stat() -> [Substring]? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/stat") else { return nil }
        // The second field is the program's name in parentheses, which may hold anything.
        let fields = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 21 ? fields : nil
    }

    /// The system's start, and how long after it the process began.
    private static func startTime() -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/stat"),
            let begun = stat().flatMap({ Double($0[19]) })
        else { return nil }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        guard
            let boot = lines.first(where: { $0.hasPrefix("btime ") })?.split(separator: " ").last.flatMap({ Double($0) }
            )
        else { return nil }
        return boot + begun / ticks
    }
}
