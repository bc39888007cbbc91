import AgentModel
import Foundation

@testable import AgentAPI
@testable import HTTP1

/// A folder of files to serve, beside a file that is not to be served; gone with the object.
final class FileFolder: Sendable {
    private let root: URL
    let path: String

    init(_ files: [String: String]) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("agenthost-files-\(UUID().uuidString)")
        path = root.appendingPathComponent("public").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try write("secret", to: "../outside.txt")
        for (name, text) in files { try write(text, to: name) }
    }

    deinit {
        try? FileManager.default.removeItem(at: root)
    }

    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url, options: .atomic)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// When a file was changed, in seconds since 1970.
    func touch(_ name: String, at seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: "\(path)/\(name)")
    }

    /// An agent that serves the folder at a path.
    func agent(at mount: String = "/app") -> AgentInterface {
        var agent = TestHost.agent("pages", tasks: ["echo"])
        agent.staticFolders = [.init(path: mount, folder: "public", directory: path)]
        return agent
    }
}
