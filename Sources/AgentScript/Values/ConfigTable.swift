import AgentModel
import LuaRuntime

/// `agent.config`: the settings that hold for the agent. A secret one is not among those that `pairs` shows; it is there
/// for a script that asks for it by its name.
enum ConfigTable {
    static func push(_ settings: AgentSettings, on stack: LuaStack) {
        stack.newTable(array: 0, fields: Int32(settings.values.count))
        for (name, value) in settings.values {
            stack.push(value)
            stack.setField(name, of: -2)
        }
        stack.newTable(array: 0, fields: 2)
        stack.pushFunction("__index") { (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            guard let field = settings.names[name] else {
                let hint = NameSuggestion.hint(name, among: Array(settings.names.keys))
                throw LuaFailure(
                    "agent.config has no '\(name)'\(hint.isEmpty ? " (`agenthost config` lists what it has)" : hint)")
            }
            if let secret = settings.secrets[field] {
                call.stack.push(secret)
            } else if let value = settings.values[field] {
                call.stack.push(value)
            } else {
                call.stack.pushNil()
            }
            return .results(1)
        }
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
    }
}
