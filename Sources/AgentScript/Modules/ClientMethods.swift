import AgentModel
import LuaRuntime
import NIOCore

/// The methods of the `client` that WebSocket handlers get.
enum ClientMethods {
    /// Pushes a table of them.
    static func push(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 3)
        method("send", on: stack, for: script) { (arguments, id) throws(LuaFailure) in
            .client(id: id, type: try arguments.string(2, "message_type"), payload: try arguments.object(3, "payload"))
        }
        method("send_raw", on: stack, for: script) { (arguments, id) throws(LuaFailure) in
            guard arguments.count >= 2, let data = arguments.stack.withBytes(at: 2, { ByteBuffer(bytes: $0) }) else {
                throw arguments.wrong("data", "string", at: 2)
            }
            let binary = !arguments.isMissing(3) && arguments.stack.boolean(at: 3)
            guard binary || arguments.stack.isValidUTF8(at: 2) else {
                throw arguments.invalid(
                    "data", "a text frame is UTF-8; pass true as the third argument for a binary one")
            }
            return .clientFrame(id: id, data: data, binary: binary)
        }
        method("close", on: stack, for: script) { (arguments, id) throws(LuaFailure) in
            let code = arguments.isMissing(2) ? 1000 : Int(exactly: try arguments.number(2, "code")) ?? 0
            guard
                code == 1000 || (3000...4999).contains(code)
                    || (1001...1014).contains(code) && ![1004, 1005, 1006].contains(code)
            else {
                throw arguments.invalid("code", "a close code of RFC 6455 expected, as 1000 or 4000")
            }
            return .clientClose(id: id, code: code, reason: try arguments.optionalString(3, "reason") ?? "")
        }
    }

    private static func method(
        _ name: String, on stack: LuaStack, for script: ScriptContext,
        _ effect: @escaping (Arguments, String) throws(LuaFailure) -> Effect
    ) {
        stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .table,
                call.stack.getField("id", of: 1) == .string,
                let id = call.stack.string(at: -1)
            else { throw LuaFailure("call it with a colon: client:\(name)(…)") }
            call.stack.pop(1)
            return script.answer(try effect(Arguments(call), id), call)
        }
    }
}
