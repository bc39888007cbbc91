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
    static let partition = Self(rawValue: 1 << 5)
    static let offset = Self(rawValue: 1 << 6)
    static let key = Self(rawValue: 1 << 7)
    static let headers = Self(rawValue: 1 << 8)
    static let headerList = Self(rawValue: 1 << 9)
    static let qos = Self(rawValue: 1 << 10)
    static let retain = Self(rawValue: 1 << 11)
    /// No field: that there is a message, though, can be told.
    private static let table = Self(rawValue: 1 << 12)

    /// In the order of their bits.
    private static let names: [StaticString] = [
        "topic", "source", "timestamp", "attempt", "raw", "partition", "offset", "key", "headers", "header_list", "qos",
        "retain",
    ]

    /// Whatever there is.
    package static let all = Self(rawValue: 1 << 13 - 1)
    static let kafka = all.subtracting([.qos, .retain, .table])
    static let mqtt = Self([.topic, .source, .timestamp, .attempt, .raw, .qos, .retain])

    /// What the function at the index, a handler of messages, can see of its second parameter; empty: it has none.
    init(readByHandlerAt index: Int32, on stack: LuaStack) {
        switch stack.reading(ofParameter: 1, byFunctionAt: index, names: Self.names) {
        case .anything: self = .all
        case .nothing: self = []
        case .fields(let fields): self = [Self(rawValue: fields), .table]
        }
    }
}
