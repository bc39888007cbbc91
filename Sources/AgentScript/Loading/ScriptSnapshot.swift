import AgentModel
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
    /// Those of `files` that the script itself reads while it loads: they may be of any kind and size.
    fileprivate let data = Mutex<Set<String>>([])

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

    package func script() throws(ScriptFailure) -> [UInt8] {
        if builtIn == nil, let refusal = ScriptPath.refusal(of: path) { throw ScriptFailure("\(path): \(refusal)") }
        if let bytes = read(name) { return bytes }
        throw ScriptFailure("\(path): \(ScriptPath.absence(of: path))")
    }

    /// Where modules are looked for, in the form of Lua's `package.path`: beside the script, and others' in `lib` and in
    /// `lua_modules`, there as LuaRocks lays them out too (`luarocks install --tree lua_modules`).
    package static let modulePath = [".", "./lib", "./lua_modules/share/lua/5.4", "./lua_modules"]
        .map { "\($0)/?.lua;\($0)/?/init.lua" }.joined(separator: ";")

    /// The module that `require(module)` means: the first file that is there, for `a.b` with `a/b` in the place of each
    /// `?` of the path. A place outside the script's directory is passed over.
    package func module(
        _ module: String, along path: String = ScriptSnapshot.modulePath
    ) -> (file: String, bytes: [UInt8])? {
        let stem = module.replacing(".", with: "/")
        for template in path.split(separator: ";") {
            let parts = template.replacing("?", with: stem).split(separator: "/").filter { $0 != "." }
            guard !template.hasPrefix("/"), !parts.isEmpty, !parts.contains("..") else { continue }
            let file = parts.joined(separator: "/")
            if let bytes = read(file) { return (file, bytes) }
        }
        return nil
    }

    /// What the system has at a place beside the script.
    enum PlaceKind {
        case folder, file, nothing
    }

    /// A place beside the script, and its absolute path.
    func folder(_ name: String) -> (path: String, kind: PlaceKind) {
        let path = directory.standardizedFileURL.appendingPathComponent(name).path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return (path, .nothing) }
        return (path, isFolder.boolValue ? .folder : .file)
    }

    /// A module's name is words with dots or slashes between them, so that it cannot leave the script's directory.
    package static func isModuleName(_ name: String) -> Bool {
        !name.isEmpty
            && name.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "/" }).allSatisfy {
                part in
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

    /// A file that a script reads while it runs.
    func file(_ path: String) -> ScriptFile { ScriptFile(folder: directory.path, path: path) }

    /// The bytes of a file that the script reads while it loads: it belongs to the version then, as a module does, and a
    /// change of it, or that it is there now, loads the script anew.
    func data(_ path: String) -> Result<[UInt8], DeliveryFailure> {
        let path = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        if let known = files.withLock({ $0[path] }), let bytes = known { return .success(bytes) }
        let result = file(path).read()
        data.withLock { _ = $0.insert(path) }
        files.withLock { $0[path] = .some(try? result.get()) }
        return result
    }

    fileprivate func contents(of file: String) -> [UInt8]? {
        if file == name, let builtIn { return builtIn }
        if data.withLock({ $0.contains(file) }) { return try? self.file(file).read().get() }
        return read(fromDisk: file)
    }

    private func read(fromDisk file: String) -> [UInt8]? {
        (try? Data(contentsOf: directory.appendingPathComponent(file))).map { [UInt8]($0) }
    }

    /// The script and the modules that were read, as errors name them.
    package var sources: Set<String> {
        let data = data.withLock { $0 }
        return files.withLock { files in Set(files.filter { $0.value != nil }.keys) }.subtracting(data).union([name])
    }

    /// Absolute paths of the files that were read, sorted.
    package var filesRead: [String] {
        let names = files.withLock { files in files.filter { $0.value != nil }.keys }
        return names.filter { $0 != name || builtIn == nil }.map { "\(directory.path)/\($0)" }.sorted()
    }

    /// Absolute paths of every file read or looked for, with the links on the way to them.
    package var paths: Set<String> {
        files.withLock { files in Set(files.keys.map { "\(directory.path)/\($0)" }) }
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
