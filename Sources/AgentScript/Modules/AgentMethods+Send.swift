import AgentModel
import LuaRuntime

/// `agent:send_kafka`, `agent:send_mqtt`, and the like for any other transport that the host has.
extension AgentMethods {
    static func installSend(to transport: TransportTraits, on stack: LuaStack, for script: ScriptContext) {
        let method = SendMethod(to: transport, for: script)
        stack.setFunction("send_\(transport.name)") { (call) throws(LuaFailure) in try method.send(call) }
    }
}
