package import NIOCore

/// One header of a message. A header of a Kafka record may lack a value (KIP-82), which is not the same as an empty one.
package struct MessageHeader: Sendable, Equatable {
    package let name: String
    package let value: [UInt8]?

    package init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// One message for an outlet, whatever its transport.
package struct Record: Sendable {
    /// What one transport has and others have not: Kafka's `partition`, MQTT's `qos` and `retain`.
    package struct Option: Sendable, Equatable {
        package enum Value: Sendable, Equatable {
            case integer(Int64)
            case flag(Bool)
        }

        package let name: String
        package let value: Value

        package init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    package var topic: String
    package var key: ByteBuffer?
    /// nil: none at all, which is not an empty one (a Kafka tombstone). A transport without such a thing sends an empty one.
    package var value: ByteBuffer?
    package var headers: [MessageHeader]
    /// A transport takes its own, and its own value for those that are not named.
    package var options: [Option]

    package init(
        topic: String, key: ByteBuffer? = nil, value: ByteBuffer?, headers: [MessageHeader] = [], options: [Option] = []
    ) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
        self.options = options
    }

    package func integer(_ name: String) -> Int64? { options.integer(name) }

    package func flag(_ name: String) -> Bool? { options.flag(name) }
}

extension [Record.Option] {
    func integer(_ name: String) -> Int64? {
        guard case .integer(let value)? = first(where: { $0.name == name })?.value else { return nil }
        return value
    }

    func flag(_ name: String) -> Bool? {
        guard case .flag(let value)? = first(where: { $0.name == name })?.value else { return nil }
        return value
    }
}
