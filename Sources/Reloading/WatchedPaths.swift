import Foundation

/// Which directories tell of a change of certain files, as the file system is now: those that hold the files, those that
/// hold the links on the way to them, and above these every directory whose entry could be replaced.
struct WatchedPaths {
    /// What counts in a directory.
    enum Interest: Equatable {
        /// Any event: a file, or a link on the way to one, is or may come to be here.
        case everything
        /// Only what happens to these entries: they lead to such a directory.
        case entries(Set<String>)
    }

    private(set) var directories: [String: Interest] = [:]

    /// Links beyond this many on one way are a cycle (Linux allows 40, path_resolution(7)).
    private static let mostLinks = 40

    /// `files` are absolute paths; they need not exist.
    init(_ files: Set<String>) {
        for file in files { follow(file) }
    }

    private mutating func follow(_ path: String) {
        var links = 0
        var directory = "/"
        // What is still to be walked, first component last.
        var rest = Array(path.split(separator: "/").map(String.init).reversed())
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                directory = (directory as NSString).deletingLastPathComponent
                continue
            }
            let entry = directory == "/" ? "/\(name)" : "\(directory)/\(name)"
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: entry) {
                directories[directory] = .everything
                links += 1
                guard links <= Self.mostLinks else { return }
                if target.hasPrefix("/") { directory = "/" }
                rest += target.split(separator: "/").map(String.init).reversed()
                continue
            }
            if rest.isEmpty {
                directories[directory] = .everything
                return
            }
            look(for: name, in: directory)
            var isDirectory: ObjCBool = false
            // What is not there yet is waited for where it will appear.
            guard FileManager.default.fileExists(atPath: entry, isDirectory: &isDirectory), isDirectory.boolValue else {
                return
            }
            directory = entry
        }
    }

    private mutating func look(for name: String, in directory: String) {
        switch directories[directory] {
        case .everything: break
        case .entries(var names):
            names.insert(name)
            directories[directory] = .entries(names)
        case nil: directories[directory] = .entries([name])
        }
    }
}
