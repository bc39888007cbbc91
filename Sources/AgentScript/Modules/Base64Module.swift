import AgentModel
import LuaRuntime

/// `agenthost.base64`.
enum Base64Module: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 2)
        stack.setFunction("encode") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let bytes = try arguments.bytes(1, "bytes")
            let forURL = try arguments.options(2, "options", known: ["url"])?.boolean("url") ?? false
            var text = ""
            text.reserveCapacity((bytes.count + 2) / 3 * 4)
            try call.inPieces(bytes, nanoseconds: 4) { text += Base64.text(of: $0, forURL: forURL) }
            call.stack.push(text)
            return .results(1)
        }
        stack.setFunction("decode") { (call) throws(LuaFailure) in
            let text = try Arguments(call).bytes(1, "text")
            var reader = Base64Reader()
            var failure: Base64Reader.Failure?
            try call.inPieces(text, nanoseconds: 4) { piece in
                do throws(Base64Reader.Failure) {
                    if failure == nil { try reader.read(piece) }
                } catch {
                    failure = error
                }
            }
            do throws(Base64Reader.Failure) {
                if let failure { throw failure }
                try reader.finish()
            } catch {
                return call.expected(error.description)
            }
            reader.bytes.withUnsafeBytes { call.stack.push($0) }
            return .results(1)
        }
        stack.strict("agenthost.base64 has no")
        stack.setField("base64", of: -2)
    }
}
