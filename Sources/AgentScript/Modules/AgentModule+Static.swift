import AgentModel
import LuaRuntime

/// `static = { ["/app"] = "public" }` of a declaration: folders beside the script whose files are served.
extension AgentModule {
    static func staticFolders(
        _ reader: TableReader, for script: ScriptContext
    ) throws(LuaFailure) -> [AgentInterface.StaticFolder] {
        let stack = reader.stack
        let top = stack.top
        defer { stack.setTop(top) }
        switch stack.getField("static", of: reader.index) {
        case .nil: return []
        case .table: break
        default:
            throw LuaFailure("static: a table as { [\"/app\"] = \"public\" } expected, got \(stack.typeName(at: -1))")
        }
        var folders: [AgentInterface.StaticFolder] = []
        stack.pushNil()
        while stack.next(of: top + 1) {
            guard stack.type(at: -2) == .string, let path = stack.string(at: -2) else {
                throw LuaFailure(
                    "static: a path for each folder expected, as in { [\"/app\"] = \"public\" }, got the key "
                        + stack.displayString(at: -2))
            }
            try script.handlers.count()
            let mounted = try mountPath(path)
            if folders.contains(where: { $0.path == mounted }) { throw LuaFailure("static: \(mounted) is there twice") }
            guard stack.type(at: -1) == .string, let folder = stack.string(at: -1) else {
                throw LuaFailure("static[\"\(path)\"]: the name of a folder expected, got \(stack.typeName(at: -1))")
            }
            folders.append(
                AgentInterface.StaticFolder(
                    path: mounted, folder: folder,
                    directory: try directory(folder, "static[\"\(path)\"]", beside: script.snapshot)))
            stack.pop(1)
        }
        return folders.sorted { $0.path < $1.path }
    }

    /// The path without a slash at its end.
    private static func mountPath(_ text: String) throws(LuaFailure) -> String {
        let path = text.hasSuffix("/") && text != "/" ? String(text.dropLast()) : text
        if path == "/" {
            throw LuaFailure(
                "static: / is the host's own, with /health and the others; serve the folder below a name, as \"/app\"")
        }
        guard path.hasPrefix("/"), !path.contains("//"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !path.utf8.contains(where: { "?#{}%".utf8.contains($0) }),
            // Clients take these away before they ask.
            !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
        else {
            throw LuaFailure(
                "static: a path as \"/app\" expected, of plain characters and without parameters, got \"\(text)\"")
        }
        return path
    }

    /// The absolute path of a folder, which lies below the script's own: a script reaches no other files.
    private static func directory(
        _ name: String, _ what: String, beside snapshot: ScriptSnapshot
    ) throws(LuaFailure) -> String {
        let parts = name.split(separator: "/").filter { $0 != "." }
        guard !name.hasPrefix("/"), !parts.contains(".."), !name.utf8.contains(0) else {
            throw LuaFailure("\(what): a folder beside \(snapshot.name) expected, got \"\(name)\"")
        }
        guard !parts.isEmpty else {
            throw LuaFailure(
                "\(what): \"\(name)\" would serve the script itself; put the files into a folder beside it")
        }
        let found = snapshot.folder(parts.joined(separator: "/"))
        switch found.kind {
        case .folder: return found.path
        case .file: throw LuaFailure("\(what): \"\(name)\" is a file; name the folder that it is in")
        case .nothing:
            throw LuaFailure("\(what): there is no folder \"\(name)\" beside \(snapshot.name) (\(found.path))")
        }
    }
}
