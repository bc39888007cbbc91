import LuaRuntime
import NIOCore

/// `agenthost.json`, `agenthost.null` and `agenthost.array`.
enum JSONModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.pushNull()
        stack.setField("null", of: -2)
        stack.setFunction("array") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            if call.argumentCount == 0 {
                call.stack.newTable()
            } else {
                guard call.stack.type(at: 1) == .table else { throw arguments.wrong("items", "table", at: 1) }
                call.stack.pushValue(at: 1)
            }
            call.stack.markArray(at: -1)
            return .results(1)
        }
        stack.newTable(array: 0, fields: 2)
        stack.setFunction("encode") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard call.argumentCount >= 1 else { throw arguments.wrong("value", "a value", at: 1) }
            let json = try arguments.writtenJSON(1, "value")
            call.stack.push(json.bytes)
            return .results(1)
        }
        stack.setFunction("decode") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .string else {
                throw arguments.wrong("text", "string", at: 1)
            }
            let options = try arguments.options(2, "options", known: ["exact"])
            let exact = try options?.boolean("exact") ?? false
            let failure: JSONDecodingError?? = call.stack.withBytes(at: 1) { bytes in
                do throws(JSONDecodingError) {
                    try call.stack.pushJSON(bytes, exact: exact)
                    return nil
                } catch {
                    return error
                }
            }
            guard let failure, let failure else { return .results(1) }
            if let refusal = failure.refusal { throw LuaFailure(refusal.message) }
            call.stack.pushNil()
            call.stack.push("invalid JSON at byte \(failure.offset): \(failure.message)")
            return .results(2)
        }
        stack.strict("agenthost.json has no")
        stack.setField("json", of: -2)
    }
}
