import Foundation
import Glibc

/// A folder of Lua files of its own; gone with the object.
package final class ScriptFolder {
    package let path: String

    /// Writes the files, by their path in the folder.
    package init(_ files: [String: String]) throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("agenthost-scripts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    package func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        // Not Data.write, which waits for the disk.
        guard let file = fopen(url.path, "w") else { throw CannotWrite(path: url.path) }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw CannotWrite(path: url.path) }
    }

    struct CannotWrite: Error {
        let path: String
    }

    package func path(of name: String) -> String {
        URL(fileURLWithPath: path).appendingPathComponent(name).path
    }
}
