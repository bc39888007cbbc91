import AgentModel
import LuaRuntime

/// Fields of the `message` that a handler is given beside the payload. What its code cannot see is not made: most handlers
/// read one field or two, of ten.
package struct MessageFields: OptionSet, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    static let topic = Self(rawValue: 1 << 0)
    static let source = Self(rawValue: 1 << 1)
    static let timestamp = Self(rawValue: 1 << 2)
    static let attempt = Self(rawValue: 1 << 3)
    static let raw = Self(rawValue: 1 << 4)
    /// No field: that there is a message, though, can be told.
    static let table = Self(rawValue: 1 << 5)
    /// The first of `MessageField.contract`.
    private static let firstField = 6

    /// In the order of their bits; no function has a field of the name of the table's.
    private static let names: [StaticString] =
        ["topic", "source", "timestamp", "attempt", "raw", ""] + MessageField.contract.map(\.name)

    /// Whatever there is.
    package static let all = Self(rawValue: (1 << (firstField + MessageField.contract.count)) - 1)

    /// What is small, or would be there anyway.
    static let small = Self([.topic, .source, .timestamp, .attempt, .table])
        .union([MessageField.partition, .offset, .key, .qos, .retain].reduce([]) { $0.union(Self($1)) })

    /// A field of a transport; those that the contract does not know are shown always.
    init(_ field: MessageField) {
        self.init(rawValue: field.number.map { 1 << (Self.firstField + $0) } ?? 0)
    }

    func shows(_ field: MessageField) -> Bool {
        guard let number = field.number else { return true }
        return rawValue >> (Self.firstField + number) & 1 == 1
    }

    /// What the function at the index, a handler of messages, can see of its second parameter; empty: it has none.
    init(readByHandlerAt index: Int32, on stack: LuaStack) {
        switch stack.reading(ofParameter: 1, byFunctionAt: index, names: LuaNames(Self.names)) {
        case .anything: self = .all
        case .nothing: self = []
        case .fields(let fields, _): self = Self(rawValue: fields).union(.table)
        }
    }
}
