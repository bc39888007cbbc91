import AgentScript
import Foundation

/// Finds files of tests.
package enum TestDiscovery {
    /// A path that is not there.
    package struct MissingPath: Error, CustomStringConvertible {
        let path: String
        package var description: String { "\(path): \(ScriptPath.absence(of: path))" }
    }

    /// The files named, and every `*_test.lua` below the directories named, sorted; hidden directories are left out.
    package static func files(below paths: [String]) throws(MissingPath) -> [String] {
        var files: [String] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw MissingPath(path: path)
            }
            let found = isDirectory.boolValue ? tests(in: path) : [path]
            files += found.filter { !files.contains($0) }
        }
        return files
    }

    private static func tests(in directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        var files: [String] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = directory == "." ? name : TestPath.resolve(name, in: directory)
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { continue }
            if isDirectory.boolValue {
                // A link to a directory above would never end.
                let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
                if !isLink { files += tests(in: path) }
            } else if name.hasSuffix("_test.lua") {
                files.append(path)
            }
        }
        return files
    }
}
