import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// `host:message`, `host:event` and `host:task`.
enum HostDeliveries {
    static func install(_ host: TestHost, on stack: LuaStack) {
        stack.setMethod("message", of: "host") { (arguments) throws(LuaFailure) in
            let topic = try arguments.string(2, "topic")
            let value = try arguments.payload(3, "data")
            let fields = try messageFields(arguments)
            if let refusal = host.refusal(ofTopic: topic, on: fields.source) {
                throw arguments.invalid("topic", refusal)
            }
            if host.deliver(fields, topic: topic, value: value) { return arguments.done(nil) }
            let reason = host.log.all.last.map { ": \($0)" } ?? ""
            return arguments.done("the message is not acknowledged yet\(reason)")
        }
        stack.setMethod("event", of: "host") { (arguments) throws(LuaFailure) in
            let event = try event(arguments, now: host.now)
            if let refusal = host.refusal(ofEvent: event.eventType) { throw arguments.invalid("event", refusal) }
            let failure = try host.deliver(event)
            return arguments.done(failure?.description)
        }
        stack.setMethod("task", of: "host") { (arguments) throws(LuaFailure) in
            let type = try arguments.string(2, "task_type")
            var body = ByteBuffer(string: #"{"query":"""#)
            if !arguments.isMissing(3) {
                _ = try arguments.fields(
                    3, "payload", known: ["query", "parameters", "context", "task_type", "priority"])
                // Its text, as a client would have sent it; of two members of a name the last one counts.
                let payload = try arguments.document(3, "payload").readableBytesView.dropFirst().dropLast()
                if !payload.isEmpty {
                    body.writeStaticString(",")
                    body.writeBytes(payload)
                }
            }
            body.writeStaticString("}")
            let outcome = try host.perform(
                TaskRequest(agent: 0, taskType: type, input: .body(body)))
            switch outcome.result {
            case .success(let result):
                arguments.stack.pushValue(ofBytes: result)
                return .results(1)
            case .failure(let failure):
                if case .unknownTask = failure { throw LuaFailure(failure.description) }
                return arguments.done(failure.description)
            }
        }
    }

    private static func messageFields(_ arguments: Arguments) throws(LuaFailure) -> MessageFields {
        var fields = MessageFields()
        guard !arguments.isMissing(4) else { return fields }
        let known = ["source", "key", "headers", "partition", "offset", "timestamp", "qos", "retain"]
        let table = try arguments.fields(4, "message_fields", known: known)
        if let source = try table.string("source") {
            guard let source = TransportName(known: source) else {
                throw arguments.invalid("message_fields.source", "\"kafka\" or \"mqtt\" expected, got \"\(source)\"")
            }
            fields.source = source
        }
        fields.key = try table.bytes("key")
        fields.headers = try table.headers("headers") ?? []
        fields.partition = Int32(try table.integer("partition", in: 0...Int(Int32.max)) ?? 0)
        fields.offset = try table.integer("offset", in: 0...Int.max).map { Int64($0) }
        fields.timestamp = try table.integer("timestamp", in: 0...Int.max).map { Int64($0) }
        fields.qos = try table.integer("qos", in: 0...2) ?? 1
        fields.retain = try table.boolean("retain") ?? false
        return fields
    }

    private static func event(_ arguments: Arguments, now: Int64) throws(LuaFailure) -> RealtimeEvent {
        let fields = try EventFields(arguments, at: 2)
        return try fields.event(
            id: Identifier.random(), data: try fields.data(isHeard: true), time: now, service: "test", agent: nil)
    }
}
