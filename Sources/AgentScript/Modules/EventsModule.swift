import AgentModel
import LuaRuntime

/// `agenthost.events`: the event types that the contract names, in upper case.
enum EventsModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: Int32(EventType.all.count))
        for type in EventType.all {
            stack.push(type)
            stack.setField(type.uppercased(), of: -2)
        }
        stack.strict("agenthost.events has no")
        stack.setField("events", of: -2)
    }
}
