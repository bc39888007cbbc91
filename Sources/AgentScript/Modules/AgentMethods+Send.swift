import AgentModel
import LuaRuntime
import NIOCore

/// `agent:send_kafka`, `agent:send_mqtt`, and the like for any other transport that the host has.
extension AgentMethods {
    static func installSend(to transport: TransportTraits, on stack: LuaStack, for script: ScriptContext) {
        let options = (transport.hasHeaders ? ["key", "headers"] : []) + transport.sendOptions.map { "\($0.name)" }
        let latest = LatestTopic { transport.isTopic($0) }
        method("send_\(transport.name)", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let topic = try latest.topic(2, arguments) {
                "\"\($0)\" is no \(transport.title) topic to send to: \(transport.topicWords) expected"
            }
            var record = Record(topic: topic, value: try arguments.payload(3, transport.valueName))
            if let given = try arguments.options(4, "options", known: options) {
                try read(given, into: &record, for: transport)
            }
            return script.answer(.send(transport.name, record), call)
        }
    }

    private static func read(
        _ options: TableReader, into record: inout Record, for transport: TransportTraits
    ) throws(LuaFailure) {
        if transport.hasHeaders {
            record.key = try key(options)
            record.headers = try options.headers("headers") ?? []
        }
        for option in transport.sendOptions {
            switch option.kind {
            case .integer(let range):
                guard let value = try options.integer(option.name, in: range) else { continue }
                record.options.append(Record.Option("\(option.name)", .integer(Int64(value))))
            case .flag:
                guard let value = try options.boolean(option.name) else { continue }
                record.options.append(Record.Option("\(option.name)", .flag(value)))
            }
        }
    }

    /// A key is bytes; a number is its text.
    private static func key(_ options: TableReader) throws(LuaFailure) -> ByteBuffer? {
        let stack = options.stack
        let type = stack.getField("key", of: options.index)
        defer { stack.pop(1) }
        switch type {
        case .string: return stack.withBytes(at: -1) { ByteBuffer(bytes: $0) }
        case .integer, .number: return ByteBuffer(string: stack.displayString(at: -1))
        case .nil, .null: return nil
        default: throw options.wrong("key", "string")
        }
    }
}
