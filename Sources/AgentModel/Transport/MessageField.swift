/// A field that scripts find in `message` beside `topic`, `source`, `timestamp`, `attempt` and `raw`.
package struct MessageField: Sendable {
    package enum Value {
        case integer(Int64)
        case flag(Bool)
        case bytes(UnsafeRawBufferPointer)
        /// A table by name, in which the last of a name stands.
        case headers([MessageHeader])
        /// A list, complete and in order.
        case headerList([MessageHeader])
    }

    package let name: StaticString
    /// Its place among `contract`; nil for one of another transport.
    package let number: Int?

    private init(_ name: StaticString, _ number: Int) {
        self.name = name
        self.number = number
    }

    /// Of a transport that the contract does not know.
    package init(_ name: StaticString) {
        self.name = name
        number = nil
    }

    package static let partition = MessageField("partition", 0)
    package static let offset = MessageField("offset", 1)
    package static let key = MessageField("key", 2)
    package static let headers = MessageField("headers", 3)
    package static let headerList = MessageField("header_list", 4)
    package static let qos = MessageField("qos", 5)
    package static let retain = MessageField("retain", 6)

    /// Those of the contract, in the order of their numbers.
    package static let contract = [partition, offset, key, headers, headerList, qos, retain]
}
