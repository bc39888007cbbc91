import AgentModel
import LuaRuntime

/// A part of the `agenthost` table. A new one is one file here and one line in the list below.
protocol ScriptModule: Sendable {
    /// Adds its fields to the `agenthost` table, which is on top of the stack and stays there.
    static func install(on stack: LuaStack, for script: ScriptContext)
}

enum ScriptModules {
    private static let all: [any ScriptModule.Type] = [
        AgentModule.self, EventsModule.self, JSONModule.self, LogModule.self, TimeModule.self, HTTPModule.self,
        ModelsModule.self, RequireModule.self, SecretsModule.self, SettingModule.self, IOModule.self, AnswerModule.self,
        SpawnModule.self, FileModule.self, Base64Module.self, DigestModule.self, URLModule.self, StoreModule.self,
    ]

    /// Makes the `agenthost` global and what else a script finds.
    static func install(for script: ScriptContext) {
        let stack = script.state.stack
        stack.newTable(array: 0, fields: 32)
        for module in all { module.install(on: stack, for: script) }
        stack.push(AgentHostVersion.text)
        stack.setField("version", of: -2)
        stack.strict("agenthost has no", instead: Misnomer.ofModule)
        stack.setGlobal("agenthost")
    }
}

extension LuaStack {
    /// Sets a host function as a field of the table on top of the stack.
    func setFunction(_ name: String, _ body: @escaping LuaHostFunction) {
        pushFunction(name, body)
        setField(name, of: -2)
    }

    /// Makes reading an unknown field of the table on top of the stack an error that names the nearest known one:
    /// "`prefix` 'nmae' (did you mean 'name'?)". `instead` says what there is in the place of a name that others have.
    /// With `assigned`, setting an unknown field is an error too, in its words.
    func strict(
        _ prefix: String, instead: @escaping @Sendable (String) -> String? = { _ in nil },
        assigned: (@Sendable (String) -> String)? = nil
    ) {
        newTable(array: 0, fields: 3)
        pushUnknownFieldFunction(prefix, ofTableAt: -2, instead: instead)
        setField("__index", of: -2)
        if let assigned {
            setFunction("__newindex") { (call) throws(LuaFailure) in
                throw LuaFailure(assigned(call.stack.displayString(at: 2)))
            }
        }
        push(false)
        setField("__metatable", of: -2)
        setMetatable(of: -2)
    }

    /// Pushes the `__index` function of `strict`; the names suggested are those of the table at the index.
    func pushUnknownFieldFunction(
        _ prefix: String, ofTableAt index: Int32, instead: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        let table = absolute(index)
        var names: [String] = []
        pushNil()
        while next(of: table) {
            pop(1)
            if type(at: -1) == .string, let name = string(at: -1) { names.append(name) }
        }
        pushFunction("__index") { (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            if names.contains(name) { throw LuaFailure("\(prefix) '\(name)' any more: the script has set it to nil") }
            let hint = instead(name).map { " (\($0))" } ?? NameSuggestion.hint(name, among: names)
            if hint.isEmpty, (1...12).contains(names.count) {
                throw LuaFailure("\(prefix) '\(name)' (known: \(names.sorted().joined(separator: ", ")))")
            }
            throw LuaFailure("\(prefix) '\(name)'\(hint)")
        }
    }
}
