import AgentModel
import LuaRuntime

/// `agenthost.now`, `agenthost.uuid` and `agenthost.sleep`.
enum TimeModule: ScriptModule {
    static func install(on stack: LuaStack, in generation: Generation) {
        // Seconds since 1970 with a fraction of milliseconds, as os.time() is in seconds.
        stack.setFunction("now") { [unowned generation] call in
            call.stack.push(Double(generation.host.now()) / 1000)
            return .results(1)
        }
        stack.setFunction("uuid") { [unowned generation] call in
            call.stack.push(generation.host.identifier())
            return .results(1)
        }
        stack.setFunction("sleep") { [unowned generation] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let seconds = try arguments.number(1, "seconds")
            guard seconds >= 0, seconds <= 1e9 else { throw arguments.invalid("seconds", "0 or more expected") }
            try generation.requireWaiting("agenthost.sleep", call)
            generation.host.wait(.sleep(seconds), in: generation)
            return .wait
        }
    }
}

extension Generation {
    /// Effects and waits belong to handlers: the main chunk only declares, so that a version which is never put in
    /// service has done nothing to the world.
    func requireRunning(_ function: String) throws(LuaFailure) {
        if isLoading {
            throw LuaFailure(
                "\(function) cannot be called while the script loads; call it in agent:on_start or in a handler")
        }
    }

    /// Before anything of a wait begins: not while the script loads, and not where Lua cannot yield.
    func requireWaiting(_ function: String, _ call: LuaCall) throws(LuaFailure) {
        try requireRunning(function)
        try call.requireWait()
    }

    func requireLoading(_ function: String) throws(LuaFailure) {
        if !isLoading {
            throw LuaFailure("\(function) registers a handler: call it while the script loads, not in a handler")
        }
    }
}
