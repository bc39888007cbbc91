import Foundation

/// A folder that is gone with the object.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("agentstore-\(UUID().uuidString)").path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The file of an agent's store.
    func file(_ agent: String) -> String { "\(path)/\(agent).sqlite" }
}
