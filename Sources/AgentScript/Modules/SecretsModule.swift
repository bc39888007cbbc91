package import AgentModel
package import LuaRuntime

/// `agenthost.secrets(platform?)`: a platform's secrets, flat, by setting name (`kafka_bootstrap_servers`, `mqtt_host`).
///
/// Those of the configured platform are there while the script loads too; those of another one are read then, which
/// waits. Without a platform: `nil, message`.
enum SecretsModule: ScriptModule {
    static func install(on stack: LuaStack, in generation: Generation) {
        stack.setFunction("secrets") { [unowned generation] (call) throws(LuaFailure) in
            let asked = try Arguments(call).optionalString(1, "platform")
            let known = generation.host.platformSecrets()
            guard let platform = asked ?? known?.platform else {
                call.stack.pushNil()
                call.stack.push("no platform is configured: set REALTIME_PLATFORM, or name the platform")
                return .results(2)
            }
            if let known, known.platform == platform { return .results(push(known.values, on: call.stack)) }
            try generation.requireWaiting("agenthost.secrets of a platform that is not the configured one", call)
            generation.host.wait(.secrets(platform: platform), in: generation)
            return .wait
        }
    }

    static func push(_ values: [String: JSONValue], on stack: LuaStack) -> Int32 {
        stack.newTable(array: 0, fields: Int32(values.count))
        for (name, value) in values {
            stack.push(value)
            stack.setField(name, of: -2)
        }
        return 1
    }
}

extension Generation {
    /// Pushes what `agenthost.secrets` returns; the number of values.
    package func pushSecrets(_ result: Result<[String: JSONValue], DeliveryFailure>, on stack: LuaStack) -> Int32 {
        switch result {
        case .success(let values): return SecretsModule.push(values, on: stack)
        case .failure(let failure):
            stack.pushNil()
            stack.push(failure.description)
            return 2
        }
    }
}
