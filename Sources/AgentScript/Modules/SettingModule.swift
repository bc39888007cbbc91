package import AgentModel
import LuaRuntime

/// A setting that a script declares for itself, with `agenthost.setting { … }` in its `config` table.
package struct DeclaredSetting: Sendable {
    /// What its value has to be.
    package enum Kind: String, Sendable, CaseIterable {
        case string, number, integer, boolean, list, url
    }

    /// The field of `agent.config`.
    package var name: String
    /// The environment variable that sets it.
    package var variable: String
    package var kind: Kind
    package var defaultValue: JSONValue?
    package var isSecret: Bool
}

/// `agenthost.setting { env = "WEATHER_URL", default = "…", kind = "url", secret = true }`.
enum SettingModule: ScriptModule {
    private static let what = "field of agenthost.setting"

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 1)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        script.kept.setting = stack.reference()
        stack.setFunction("setting") { [unowned script] (call) throws(LuaFailure) in
            let stack = call.stack
            guard call.argumentCount >= 1, stack.type(at: 1) == .table else {
                throw Arguments(call).wrong("setting", "table", at: 1)
            }
            // What is wrong is said where it stands.
            _ = try read(stack, at: 1, name: "setting")
            stack.setTop(1)
            if let metatable = script.kept.setting { stack.push(metatable) }
            stack.setMetatable(of: 1)
            return .results(1)
        }
    }

    /// The declaration that the table at the index is; nil for a value that `agenthost.setting` has not made.
    static func declaration(
        _ stack: LuaStack, at index: Int32, name: String, for script: ScriptContext
    ) throws(LuaFailure) -> DeclaredSetting? {
        guard stack.type(at: index) == .table, let marker = script.kept.setting else { return nil }
        let index = stack.absolute(index)
        guard stack.getMetatable(of: index) else { return nil }
        stack.push(marker)
        let isSetting = stack.rawEqual(-1, -2)
        stack.pop(2)
        return isSetting ? try read(stack, at: index, name: name) : nil
    }

    private static func read(_ stack: LuaStack, at index: Int32, name: String) throws(LuaFailure) -> DeclaredSetting {
        let reader = try TableReader(stack, at: index, what: .text(what), known: ["env", "default", "kind", "secret"])
        let variable = try reader.string("env") ?? name.uppercased()
        guard !variable.isEmpty, variable.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }) else {
            throw LuaFailure("\(what) 'env': the name of an environment variable expected, got \"\(variable)\"")
        }
        let type = stack.getField("default", of: reader.index)
        defer { stack.pop(1) }
        var value: JSONValue?
        if type != .nil {
            let json = try stack.jsonBuffer(at: -1, path: "default")
            value = try? JSONValue(parsing: json)
        }
        let kind: DeclaredSetting.Kind
        if let named = try reader.string("kind") {
            guard let known = DeclaredSetting.Kind(rawValue: named) else {
                let kinds = DeclaredSetting.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw LuaFailure("\(what) 'kind': one of \(kinds) expected, got \"\(named)\"")
            }
            kind = known
        } else {
            kind =
                switch type {
                case .integer, .number: .number
                case .boolean: .boolean
                case .table: .list
                default: .string
                }
        }
        return DeclaredSetting(
            name: name, variable: variable, kind: kind, defaultValue: value,
            isSecret: try reader.boolean("secret") ?? false)
    }
}
