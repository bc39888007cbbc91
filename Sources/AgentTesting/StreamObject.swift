import AgentScript
import LuaRuntime
import NIOCore

/// A client of Server-Sent Events as a test file sees it: what `host:stream` returns.
enum StreamObject {
    /// Pushes it.
    static func push(_ client: TestEventStream, of host: TestHost, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 3)
        stack.setMethod("receive", of: "stream") { (arguments) throws(LuaFailure) in
            let type = try arguments.optionalString(2, "event_type")
            guard let event = client.take(type) else {
                var text = type.map { "no \"\($0)\" has come" } ?? "no event has come"
                if !client.events.isEmpty { text += "; waiting: \(client.events.map(\.data).joined(separator: ", "))" }
                if client.isClosed { text += "; the host ended the stream" }
                throw LuaFailure(text)
            }
            push(event, on: arguments.stack)
            return .results(1)
        }
        stack.setMethod("disconnect", of: "stream") { (_) throws(LuaFailure) in
            client.disconnect()
            host.settle()
            return .results(0)
        }
        stack.setProperties(
            of: "stream", known: ["events", "closed"],
            read: { (name, call) throws(LuaFailure) in
                switch name {
                case "events":
                    call.stack.newTable()
                    for (index, event) in client.events.enumerated() {
                        push(event, on: call.stack)
                        call.stack.setIndex(index + 1, of: -2)
                    }
                    call.stack.markArray(at: -1)
                case "closed": call.stack.push(client.isClosed)
                default: return false
                }
                return true
            })
    }

    /// `{ id, event, data }`, the data decoded.
    private static func push(_ event: TestEventStream.Event, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 3)
        if let id = event.id {
            stack.push(id)
            stack.setField("id", of: -2)
        }
        if let name = event.name {
            stack.push(name)
            stack.setField("event", of: -2)
        }
        stack.pushValue(ofBytes: ByteBuffer(string: event.data))
        stack.setField("data", of: -2)
    }
}
