import AgentModel
import LuaRuntime

/// `agenthost.now`, `agenthost.uuid` and `agenthost.sleep`.
enum TimeModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        // Seconds since 1970 with a fraction of milliseconds, as os.time() is in seconds.
        stack.setFunction("now") { [unowned script] call in
            call.stack.push(Double(script.now()) / 1000)
            return .results(1)
        }
        stack.setFunction("uuid") { [unowned script] call in
            call.stack.push(script.identifier())
            return .results(1)
        }
        stack.setFunction("sleep") { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let seconds = try arguments.number(1, "seconds")
            guard seconds >= 0, seconds <= 1e9 else { throw arguments.invalid("seconds", "0 or more expected") }
            try script.requireWaiting("agenthost.sleep", call)
            return script.wait(.sleep(seconds))
        }
    }
}
