import AgentModel
import Foundation

/// What a path that was given as that of a script is, when it is none.
package enum ScriptPath {
    /// What others are, by the end of their names.
    private static let kinds = [
        "py": "a Python file; an agent is a Lua script", "js": "a JavaScript file; an agent is a Lua script",
        "ts": "a TypeScript file; an agent is a Lua script", "json": "a JSON file; an agent is a Lua script",
        "yaml": application, "yml": application,
    ]
    private static let application = "a YAML file; an OAM application is given as --oam FILE, beside the Lua script"

    /// Why the file is no script, by its name; nil when it may be one, or is not there.
    static func refusal(of path: String) -> String? {
        let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
        guard let kind = kinds[ending], FileManager.default.fileExists(atPath: path) else { return nil }
        return "is \(kind)"
    }

    /// Why nothing can be read there, with the script that was probably meant.
    package static func absence(of path: String) -> String {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else { return "cannot be read" }
            let scripts = scripts(in: path).filter { !$0.hasSuffix("_test.lua") }
            let named =
                scripts.isEmpty
                ? "" : " (\(scripts.prefix(5).joined(separator: ", "))\(scripts.count > 5 ? ", …" : ""))"
            return "is a directory; name the Lua file in it\(named)"
        }
        let url = URL(fileURLWithPath: path)
        let folder = path.contains("/") ? String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) : ""
        let name = url.lastPathComponent
        let scripts = scripts(in: folder.isEmpty ? "." : folder)
        let meant =
            scripts.first { $0 == name + ".lua" } ?? NameSuggestion.nearest(name, among: scripts)
            ?? NameSuggestion.nearest(name + ".lua", among: scripts)
        if let meant { return "no such file (did you mean \(folder)\(meant)?)" }
        return (1...5).contains(scripts.count)
            ? "no such file (there are \(scripts.map { folder + $0 }.joined(separator: ", ")))" : "no such file"
    }

    private static func scripts(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".lua") && !$0.hasPrefix(".") }.sorted()
    }
}
