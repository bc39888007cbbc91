import Crypto
import Foundation
import Synchronization

/// The bytes of a script and its modules as they were at one moment. Each file is read once, so that all workers load
/// the same version however often the file is saved meanwhile.
package final class ScriptSnapshot: Sendable {
    /// The path as the user gave it.
    package let path: String
    /// The file name: what messages show.
    package let name: String
    private let directory: URL
    /// The program's own script, which is no file; `require` finds modules beside the script that overrides a part of it.
    private let builtIn: [UInt8]?
    fileprivate let files = Mutex<[String: [UInt8]?]>([:])

    package init(path: String) {
        self.path = path
        let url = URL(fileURLWithPath: path)
        name = url.lastPathComponent
        directory = url.deletingLastPathComponent()
        builtIn = nil
    }

    /// A script that comes with the program. `overrides` is the path of the user's script beside which it looks for modules.
    package init(builtIn name: String, source: [UInt8], overrides: String?) {
        path = name
        self.name = name
        builtIn = source
        directory =
            overrides.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
            ?? URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    }

    /// The directory that is watched for changes of the script and its modules.
    package var directoryPath: String { directory.path }

    package func script() throws(ScriptFailure) -> [UInt8] {
        if let bytes = read(name) { return bytes }
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            throw ScriptFailure(
                isDirectory.boolValue ? "\(path): is a directory; name the Lua file in it" : "\(path): cannot be read")
        }
        throw ScriptFailure("\(path): no such file")
    }

    /// The module that `require(module)` means: `a/b.lua` or `a/b/init.lua` beside the script, for `a.b`.
    package func module(_ module: String) -> (file: String, bytes: [UInt8])? {
        let stem = module.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        for file in ["\(stem).lua", "\(stem)/init.lua"] {
            if let bytes = read(file) { return (file, bytes) }
        }
        return nil
    }

    /// A module's name is words and dots, so that it cannot leave the script's directory.
    package static func isModuleName(_ name: String) -> Bool {
        !name.isEmpty
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy {
                        $0 == 0x5F || $0 == 0x2D || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A
                            || $0 >= 0x30 && $0 <= 0x39
                    }
            }
    }

    /// First 12 hex digits of SHA-256 over the names and bytes of the files read so far.
    package var version: String {
        var hash = SHA256()
        files.withLock { files in
            for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
                guard let bytes else { continue }
                hash.update(data: Array("\(name)\u{0}\(bytes.count)\u{0}".utf8))
                hash.update(data: bytes)
            }
        }
        return hash.finalize().prefix(6).map { String(format: "%02x", $0) }.joined()
    }

    /// Whether a word stands anywhere in what was read so far.
    package func mentions(_ word: String) -> Bool {
        let word = Data(word.utf8)
        return files.withLock { files in
            files.values.contains { bytes in bytes.map { Data($0).range(of: word) != nil } ?? false }
        }
    }

    private func read(_ file: String) -> [UInt8]? {
        files.withLock { files in
            if let known = files[file] { return known }
            let bytes = contents(of: file)
            files[file] = .some(bytes)
            return bytes
        }
    }

    fileprivate func contents(of file: String) -> [UInt8]? {
        if file == name, let builtIn { return builtIn }
        return read(fromDisk: file)
    }

    private func read(fromDisk file: String) -> [UInt8]? {
        (try? Data(contentsOf: directory.appendingPathComponent(file))).map { [UInt8]($0) }
    }

    /// Absolute directories of every file read or looked for.
    package var directories: Set<String> {
        files.withLock { files in
            Set(files.keys.map { directory.appendingPathComponent($0).deletingLastPathComponent().path })
        }
    }
}

extension ScriptSnapshot {
    /// True when a file that was read, or looked for in vain, is another one now.
    package func isStale() -> Bool {
        files.withLock { files in
            files.contains { name, bytes in contents(of: name) != bytes }
        }
    }
}
