import AgentModel
import LuaRuntime

/// `agenthost.secrets(platform?)`: a platform's secrets, flat, by setting name (`kafka_bootstrap_servers`, `mqtt_host`).
///
/// Those of the configured platform are there while the script loads too; those of another one are read then, which
/// waits. Without a platform: `nil, message`.
enum SecretsModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.setFunction("secrets") { [unowned script] (call) throws(LuaFailure) in
            let asked = try Arguments(call).optionalString(1, "platform")
            let known = script.platformSecrets()
            guard let platform = asked ?? known?.platform else {
                return .results(
                    call.stack.pushFailure(
                        "no platform is configured: set REALTIME_PLATFORM, or name the platform"))
            }
            if let known, known.platform == platform {
                return .results(call.stack.push(secrets: .success(known.values)))
            }
            try script.requireWaiting("agenthost.secrets of a platform that is not the configured one", call)
            return script.wait(.secrets(platform: platform))
        }
    }
}
