import AgentHosting
import ArgumentParser

/// The file of `--ready-file`.
enum ReadyFile {
    /// Throws wrong usage when it cannot be written, before anything has started.
    static func check(_ path: String?) throws {
        guard let path, let obstacle = ReadyReport.obstacle(to: path) else { return }
        throw ValidationError("--ready-file \(path): \(obstacle)")
    }
}
