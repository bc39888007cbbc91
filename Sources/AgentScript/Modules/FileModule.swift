import AgentModel
import LuaRuntime

/// `agenthost.file.read(path)`: the bytes of a file beside the script, or `nil, message`.
///
/// A path may come from a client: so one that leads out of the folder is no misuse, but a file that is not there.
enum FileModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("read") { [unowned script] (call) throws(LuaFailure) in
            let path = try Arguments(call).string(1, "path")
            if script.isLoading {
                return .results(call.stack.push(file: script.snapshot.data(path)))
            }
            let file = script.snapshot.file(path)
            // A file of tests has a thread of its own, and nothing else to do.
            if script.declaration == nil { return .results(call.stack.push(file: file.read())) }
            try script.requireWaiting("agenthost.file.read", call)
            return script.wait(.file(file))
        }
        stack.strict("agenthost.file has no")
        stack.setField("file", of: -2)
    }
}
