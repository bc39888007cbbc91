import AgentModel
import Foundation

/// What was probably meant where the first argument is no command.
enum CommandHint {
    /// nil when the arguments begin with a command, or with an option that needs none.
    static func text(for arguments: [String], commands: [String]) -> String? {
        guard let first = arguments.first, first != "help" else { return nil }
        if commands.contains(first) { return first == "dlq" ? letters(arguments) : nil }
        if first.hasPrefix("-") {
            let isHost = arguments.contains { $0.hasSuffix(".lua") }
            return isHost ? "\(first) belongs to a command; did you mean `\(line("run", arguments))`?" : nil
        }
        if let (command, file) = command(forFile: first) {
            return "a command is missing; did you mean `\(line(command, [file] + arguments.dropFirst()))`?"
        }
        let unknown = "there is no command '\(first)'"
        if let advice = advice[first] { return "\(unknown): \(advice)" }
        if let command = others[first] ?? NameSuggestion.nearest(first, among: commands) {
            return "\(unknown); did you mean `\(line(command, Array(arguments.dropFirst())))`?"
        }
        return "\(unknown); there are \(commands.sorted().joined(separator: ", ")), and help"
    }

    private static func line(_ command: String, _ arguments: [String]) -> String {
        let words = arguments.map { $0.contains(where: { $0 == " " || $0 == "\"" }) ? "'\($0)'" : $0 }
        return (["agenthost", command] + words).joined(separator: " ")
    }

    /// Of `agenthost dlq`, whose own commands are told from their arguments by their names alone.
    private static func letters(_ arguments: [String]) -> String? {
        let commands = ["list", "show", "replay", "drop"]
        guard arguments.count > 1, !arguments[1].hasPrefix("-"), !commands.contains(arguments[1]) else { return nil }
        let command = NameSuggestion.nearest(arguments[1], among: commands) ?? "show"
        let rest = command == "show" && arguments.count == 2 ? arguments[1...] : arguments[2...]
        return "dlq has list, show, replay and drop; did you mean `\(line("dlq", [command] + rest))`?"
    }

    /// The command that takes a file of this name, and the file.
    private static func command(forFile name: String) -> (command: String, file: String)? {
        if name.hasSuffix("_test.lua") { return ("test", name) }
        if name.hasSuffix(".lua") { return ("run", name) }
        if FileManager.default.fileExists(atPath: name + ".lua") { return ("run", name + ".lua") }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? ("oam", name) : nil
    }

    /// What other programs call it.
    private static let others = [
        "start": "run", "serve": "run", "server": "run", "dev": "run", "up": "run", "host": "run", "exec": "run",
        "execute": "run", "launch": "run", "validate": "check", "lint": "check", "verify": "check", "inspect": "check",
        "publish": "send", "produce": "send", "emit": "send", "push": "send", "post": "send", "settings": "config",
        "env": "config", "configuration": "config", "brokers": "broker", "kafka": "broker", "mqtt": "broker",
        "tests": "test", "pytest": "test", "secret": "secrets", "type": "types", "typings": "types",
        "definitions": "types", "deadletters": "dlq", "replay": "dlq",
    ]
    private static let advice = [
        "stop": "Ctrl-C stops a host, or SIGTERM to its process",
        "restart":
            "a host reloads an agent when its file is saved, or on SIGHUP; Ctrl-C and `agenthost run` start it anew",
        "reload": "a host reloads an agent when its file is saved, or on SIGHUP",
        "status": "a host answers GET /health", "health": "a host answers GET /health",
        "ps": "a host answers GET /health", "logs": "the log of a host is what it writes to standard error",
        "init": "an agent is one Lua file: `agenthost types` prints all that it may use",
        "new": "an agent is one Lua file: `agenthost types` prints all that it may use",
        "create": "an agent is one Lua file: `agenthost types` prints all that it may use",
    ]
}
