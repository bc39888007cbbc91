import AgentModel
import LuaRuntime

/// `agent:send_kafka`, `agent:send_mqtt`, and the like for any other transport that the host has.
extension AgentMethods {
    static func installSend(to transport: TransportTraits, on stack: LuaStack, for script: ScriptContext) {
        let reader = RecordReader(for: transport)
        let name = transport.name
        method("send_\(name)", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            script.answer(.send(name, try reader.record(Arguments(call))), call)
        }
    }
}
