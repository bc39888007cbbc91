import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// A WebSocket client as a test file sees it: what `host:websocket` returns.
enum ClientObject {
    /// Pushes it.
    static func push(_ client: TestWebSocket, of host: TestHost, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 6)
        stack.setMethod("send", of: "client") { (arguments) throws(LuaFailure) in
            var message = ByteBuffer(string: "{\"message_id\":")
            message.writeJSONString(Identifier.random())
            message.writeStaticString(",\"message_type\":")
            message.writeJSONString(try arguments.string(2, "message_type"))
            message.writeStaticString(",\"payload\":")
            message.writeImmutableBuffer(try arguments.document(3, "payload"))
            message.writeStaticString("}")
            return answer(client, of: host, arguments) { client.send(message, binary: false) }
        }
        stack.setMethod("send_raw", of: "client") { (arguments) throws(LuaFailure) in
            guard arguments.call.argumentCount >= 2,
                let data = arguments.stack.withBytes(at: 2, { ByteBuffer(bytes: $0) })
            else { throw arguments.wrong("data", "string", at: 2) }
            let isBinary = !arguments.isMissing(3) && arguments.stack.boolean(at: 3)
            return answer(client, of: host, arguments) { client.send(data, binary: isBinary) }
        }
        stack.setMethod("receive", of: "client") { (arguments) throws(LuaFailure) in
            let type = try arguments.optionalString(2, "message_type")
            guard let message = client.take(type) else { throw nothing(of: type, client) }
            push(message, on: arguments.stack)
            arguments.stack.push(message.isBinary)
            return .results(2)
        }
        stack.setMethod("close", of: "client") { (arguments) throws(LuaFailure) in
            let code = arguments.isMissing(2) ? 1000 : Int(exactly: try arguments.number(2, "code")) ?? 0
            guard (1000...4999).contains(code) else { throw arguments.invalid("code", "1000 to 4999 expected") }
            client.close(code: code, reason: try arguments.optionalString(3, "reason") ?? "")
            host.settle()
            return .results(0)
        }
        stack.setMethod("disconnect", of: "client") { (_) throws(LuaFailure) in
            client.disconnect()
            host.settle()
            return .results(0)
        }
        stack.setProperties(
            of: "client", known: ["messages", "closed", "subprotocol"],
            read: { (name, call) throws(LuaFailure) in
                switch name {
                case "messages":
                    call.stack.newTable()
                    for (index, message) in client.messages.enumerated() {
                        push(message, on: call.stack)
                        call.stack.setIndex(index + 1, of: -2)
                    }
                    call.stack.markArray(at: -1)
                case "closed":
                    guard let closed = client.closed else {
                        call.stack.push(false)
                        return true
                    }
                    call.stack.newTable(array: 0, fields: 2)
                    call.stack.push(closed.code)
                    call.stack.setField("code", of: -2)
                    call.stack.push(closed.reason)
                    call.stack.setField("reason", of: -2)
                case "subprotocol":
                    if let subprotocol = client.subprotocol {
                        call.stack.push(subprotocol)
                    } else {
                        call.stack.pushNil()
                    }
                default: return false
                }
                return true
            })
    }

    /// A message with an envelope as a table, any other as a string.
    private static func push(_ message: TestWebSocket.Message, on stack: LuaStack) {
        if message.type != nil {
            stack.pushValue(ofBytes: message.data)
        } else {
            message.data.withUnsafeReadableBytes { stack.push($0) }
        }
    }

    private static func answer(
        _ client: TestWebSocket, of host: TestHost, _ arguments: Arguments, _ send: () -> Void
    ) -> LuaOutcome {
        if let closed = client.closed {
            arguments.stack.pushNil()
            arguments.stack.push("the connection is closed (\(closed.code))")
            return .results(2)
        }
        send()
        host.settle()
        arguments.stack.push(true)
        return .results(1)
    }

    private static func nothing(of type: String?, _ client: TestWebSocket) -> LuaFailure {
        var text = type.map { "no \"\($0)\" has come" } ?? "no message has come"
        let waiting = client.messages.map { $0.type ?? "a frame without an envelope" }
        if !waiting.isEmpty { text += "; waiting: \(waiting.joined(separator: ", "))" }
        if let closed = client.closed {
            text += "; the host closed the connection with \(closed.code) \(closed.reason)"
        }
        return LuaFailure(text)
    }
}
