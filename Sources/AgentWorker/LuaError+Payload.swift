import AgentModel
import LuaRuntime
import NIOCore

extension LuaError {
    /// A payload that is not JSON reaches its handler as a string. Where the handler took it for a table, the error says
    /// why it is none.
    func explained(byPayloadOf inbound: any InboundMessage) -> LuaError {
        guard kind == .runtime, message.contains("attempt to ") || message.contains("expected"),
            inbound.payload.baseAddress != nil
        else { return self }
        do throws(JSONError) {
            try JSONScanner.validate(ByteBuffer(bytes: inbound.payload))
            return self
        } catch {
            return LuaError(
                kind: kind, message: "\(message) (the payload is not JSON: \(error))", traceback: traceback)
        }
    }
}
