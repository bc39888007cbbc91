import AgentModel
import LuaRuntime
import NIOCore

/// What one `send_…` method keeps from call to call, so that reading what a script sends makes nothing anew: the topic, the
/// names of options, and the buffers of the record before, where its transport has not kept them.
final class RecordReader {
    private let transport: TransportTraits
    private let latest: LatestTopic
    private let options: [(option: TransportTraits.SendOption, name: String)]
    private let known: LuaNames
    private var value = KeptBuffer()
    private var key = KeptBuffer()

    private static let headers: [StaticString] = ["key", "headers"]

    init(for transport: TransportTraits) {
        self.transport = transport
        latest = LatestTopic { transport.isTopic($0) }
        options = transport.sendOptions.map { ($0, "\($0.name)") }
        known = LuaNames((transport.hasHeaders ? Self.headers : []) + transport.sendOptions.map(\.name))
    }

    /// The topic, the value and a table of options, from the call's second argument on.
    func record(_ arguments: Arguments) throws(LuaFailure) -> Record {
        let topic = try latest.topic(2, arguments) {
            "\"\($0)\" is no \(transport.title) topic to send to: \(transport.topicWords) expected"
        }
        var record = Record(topic: topic, value: try value(arguments))
        if arguments.isMissing(4) { return record }
        guard arguments.stack.type(at: 4) == .table, let given = arguments.stack.fields(of: 4, among: known) else {
            // Not a table, or one with a field that is not known: says so.
            _ = try arguments.options(4, "options", known: known.texts)
            return record
        }
        if given == 0 { return record }
        try read(TableReader(arguments.stack, at: 4, what: .option(of: arguments.call.name)), given, into: &record)
        return record
    }

    /// A string as its own bytes, anything else as JSON; nil for `agenthost.null`.
    private func value(_ arguments: Arguments) throws(LuaFailure) -> ByteBuffer? {
        switch arguments.stack.type(at: 3) {
        case .none, .nil: throw arguments.wrong(transport.valueName, "a value", at: 3)
        case .null: return nil
        case .string: arguments.stack.withBytes(at: 3) { value.take($0) }
        default: try arguments.withJSON(3, transport.valueName) { value.take($0) }
        }
        return value.bytes
    }

    /// `given`: which of the known fields there are.
    private func read(_ table: TableReader, _ given: Int64, into record: inout Record) throws(LuaFailure) {
        var field: Int64 = 1
        if transport.hasHeaders {
            if given & field != 0 { record.key = try key(table) }
            field <<= 1
            if given & field != 0 { record.headers = try table.headers("headers") ?? [] }
            field <<= 1
        }
        for (option, name) in options {
            defer { field <<= 1 }
            guard given & field != 0 else { continue }
            switch option.kind {
            case .integer(let range):
                guard let value = try table.integer(option.name, in: range) else { continue }
                record.options.append(Record.Option(name, .integer(Int64(value))))
            case .flag:
                guard let value = try table.boolean(option.name) else { continue }
                record.options.append(Record.Option(name, .flag(value)))
            }
        }
    }

    /// A key is bytes; a number is its text.
    private func key(_ table: TableReader) throws(LuaFailure) -> ByteBuffer? {
        let stack = table.stack
        let type = stack.getField("key", of: table.index)
        defer { stack.pop(1) }
        switch type {
        case .string:
            stack.withBytes(at: -1) { key.take($0) }
            return key.bytes
        case .integer, .number: return ByteBuffer(string: stack.displayString(at: -1))
        case .nil, .null: return nil
        default: throw table.wrong("key", "string")
        }
    }
}

/// Bytes in a buffer that the next ones go into too, unless someone has kept it.
struct KeptBuffer {
    private(set) var bytes = ByteBuffer()

    /// A buffer that has grown beyond this is not held for the next bytes.
    private static let mostHeld = 64 << 10

    mutating func take(_ new: UnsafeRawBufferPointer) {
        if new.count > Self.mostHeld || bytes.capacity > Self.mostHeld {
            bytes = ByteBuffer(bytes: new)
        } else {
            bytes.clear(minimumCapacity: new.count)
            bytes.writeBytes(new)
        }
    }
}
