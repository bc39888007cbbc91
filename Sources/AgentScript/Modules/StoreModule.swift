import AgentModel
import LuaRuntime

/// `agenthost.store`: plain data by key that survives the end of the process. Every function waits; what it has returned for
/// is on the disk.
enum StoreModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 5)
        request("get", on: stack, for: script) { (arguments) throws(LuaFailure) in .get(try key(arguments)) }
        request("set", on: stack, for: script) { (arguments) throws(LuaFailure) in
            let key = try key(arguments)
            guard arguments.count >= 2 else { throw arguments.wrong("value", "a value, or nil to delete,", at: 2) }
            return arguments.isMissing(2) ? .delete(key) : .set(key, try value(arguments))
        }
        request("delete", on: stack, for: script) { (arguments) throws(LuaFailure) in .delete(try key(arguments)) }
        request("add", on: stack, for: script) { (arguments) throws(LuaFailure) in
            .add(try key(arguments), try number(arguments))
        }
        request("keys", on: stack, for: script) { (arguments) throws(LuaFailure) in
            .keys(prefix: arguments.isMissing(1) ? [] : try bytes(arguments, "prefix", from: 0))
        }
        stack.strict(
            "agenthost.store has no",
            assigned: { "agenthost.store keeps nothing that is assigned to it: agenthost.store.set(\"\($0)\", value)" })
        stack.setField("store", of: -2)
    }

    private static func request(
        _ name: String, on stack: LuaStack, for script: ScriptContext,
        _ read: @escaping (Arguments) throws(LuaFailure) -> StoreRequest
    ) {
        stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
            let request = try read(Arguments(call))
            try script.requireWaiting("agenthost.store.\(name)", call)
            return script.wait(.store(request))
        }
    }

    private static func key(_ arguments: Arguments) throws(LuaFailure) -> StoreRequest.Key {
        try bytes(arguments, "key", from: 1)
    }

    private static func bytes(_ arguments: Arguments, _ name: String, from least: Int) throws(LuaFailure) -> [UInt8] {
        let bytes = try arguments.bytes(1, name)
        guard bytes.count >= least, bytes.count <= StoreLimits.key else {
            let expected = "\(least) to \(LuaText.size(StoreLimits.key))"
            throw arguments.invalid(name, "\(expected) expected, got \(LuaText.size(bytes.count))")
        }
        return [UInt8](bytes)
    }

    private static func value(_ arguments: Arguments) throws(LuaFailure) -> StoreValue {
        let stack = arguments.stack
        if stack.type(at: 2) == .string {
            let bytes = try arguments.bytes(2, "value")
            guard bytes.count <= StoreLimits.value else {
                let most = LuaText.size(StoreLimits.value)
                throw arguments.invalid("value", "at most \(most) expected, got \(LuaText.size(bytes.count))")
            }
            return StoreValue(kind: .bytes, bytes: [UInt8](bytes))
        }
        do {
            return try stack.withKeptJSON(at: 2, path: "value", limit: StoreLimits.value) {
                StoreValue(kind: .json, bytes: [UInt8]($0))
            }
        } catch {
            throw LuaFailure((error as? LuaError)?.message ?? "value: \(error)")
        }
    }

    private static func number(_ arguments: Arguments) throws(LuaFailure) -> StoreNumber {
        if arguments.isMissing(2) { return .integer(1) }
        let number = try arguments.number(2, "number")
        if arguments.stack.type(at: 2) == .integer, let integer = arguments.stack.integer(at: 2) {
            return .integer(integer)
        }
        guard number.isFinite else { throw arguments.invalid("number", "a finite number expected") }
        return .real(number)
    }
}
