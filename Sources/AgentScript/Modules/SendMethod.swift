import AgentModel
import LuaRuntime

/// One `send_…` method: reads what a script sends and hands it on where it is, without a copy of its bytes, and without
/// making anything anew that was made for the call before.
final class SendMethod {
    /// Has the state whose function this is.
    private unowned(unsafe) let script: ScriptContext
    private let transport: TransportTraits
    private let name: String
    private let latest: LatestTopic
    private let options: [(option: TransportTraits.SendOption, name: String)]
    private let known: LuaNames

    private static let headers: [StaticString] = ["key", "headers"]

    /// What a call says beside its topic and its value.
    private struct Extras {
        var key: UnsafeRawBufferPointer?
        var headers: [MessageHeader] = []
        var options: [Record.Option] = []
    }

    init(to transport: TransportTraits, for script: ScriptContext) {
        self.script = script
        self.transport = transport
        name = "agent:send_\(transport.name)"
        latest = LatestTopic { transport.isTopic($0) }
        options = transport.sendOptions.map { ($0, "\($0.name)") }
        known = LuaNames((transport.hasHeaders ? Self.headers : []) + transport.sendOptions.map(\.name))
    }

    /// The arguments: the agent, the topic, the value and a table of options.
    func send(_ call: LuaCall) throws(LuaFailure) -> LuaOutcome {
        try script.requireAgent(call)
        try script.requireRunning(name)
        let arguments = Arguments(call)
        let topic = try latest.topic(2, arguments) {
            "\"\($0)\" is no \(transport.title) topic to send to: \(transport.topicWords) expected"
        }
        switch call.stack.type(at: 3) {
        case .none, .nil: throw arguments.wrong("\(transport.valueName)", "a value", at: 3)
        case .null: return try send(nil, to: topic, arguments)
        // As its own bytes.
        case .string: return try send(call.stack.withBytes(at: 3) { $0 }, to: topic, arguments)
        default:
            let json = try arguments.writtenJSON(3, transport.valueName)
            defer { withExtendedLifetime(json) {} }
            return try send(json.bytes, to: topic, arguments)
        }
    }

    private func send(
        _ value: UnsafeRawBufferPointer?, to topic: String, _ arguments: Arguments
    ) throws(LuaFailure) -> LuaOutcome {
        let extras = try extras(arguments)
        let record = RecordView(
            topic: topic, key: extras.key, value: value, headers: extras.headers, options: extras.options)
        return script.send(record, to: transport.name, arguments.call)
    }

    /// What it pushes stays on the stack, as the key's bytes do.
    private func extras(_ arguments: Arguments) throws(LuaFailure) -> Extras {
        var extras = Extras()
        if arguments.isMissing(4) { return extras }
        let stack = arguments.stack
        let top = stack.top
        guard stack.type(at: 4) == .table, let given = stack.pushFields(of: 4, among: known) else {
            // Not a table, or one with a field that is not known: says so.
            _ = try arguments.options(4, "options", known: known.texts)
            return extras
        }
        if given == 0 { return extras }
        let table = TableReader(stack, at: 4, what: .option(of: arguments.call.name))
        var field: Int64 = 1
        if transport.hasHeaders {
            if given & field != 0 { extras.key = try key(at: top + 1, of: table) }
            field <<= 1
            if given & field != 0 { extras.headers = try table.headers("headers") ?? [] }
            field <<= 1
        }
        if given < field { return extras }
        for (option, name) in options {
            defer { field <<= 1 }
            guard given & field != 0 else { continue }
            switch option.kind {
            case .integer(let range):
                guard let value = try table.integer(option.name, in: range) else { continue }
                extras.options.append(Record.Option(name, .integer(Int64(value))))
            case .flag:
                guard let value = try table.boolean(option.name) else { continue }
                extras.options.append(Record.Option(name, .flag(value)))
            }
        }
        return extras
    }

    /// A key is bytes; a number is its text.
    private func key(at index: Int32, of table: TableReader) throws(LuaFailure) -> UnsafeRawBufferPointer? {
        let stack = table.stack
        switch stack.type(at: index) {
        case .string: return stack.withBytes(at: index) { $0 }
        case .integer, .number:
            stack.push(stack.displayString(at: index))
            return stack.withBytes(at: -1) { $0 }
        case .nil, .null: return nil
        default: throw table.wrong("key", "string")
        }
    }
}
