import AgentModel

/// A folder whose files are served below a path (`static` of a declaration).
final class FileMount: Sendable {
    /// Absolute.
    let directory: String

    init(_ folder: AgentInterface.StaticFolder) {
        directory = folder.directory
    }
}
