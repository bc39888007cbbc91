/// What a script asks of `agenthost.store`.
package enum StoreRequest: Sendable {
    /// Keys are bytes, compared as such.
    package typealias Key = [UInt8]

    case get(Key)
    case set(Key, StoreValue)
    case delete(Key)
    /// To the number that is there, or to 0; no other request comes between.
    case add(Key, StoreNumber)
    /// Those that begin with the bytes, in order.
    case keys(prefix: [UInt8])

    package var isWrite: Bool {
        switch self {
        case .set, .delete, .add: true
        case .get, .keys: false
        }
    }

    /// Bytes that it holds.
    package var size: Int {
        switch self {
        case .get(let key), .delete(let key), .add(let key, _), .keys(let key): key.count
        case .set(let key, let value): key.count + value.bytes.count
        }
    }
}

/// What it is answered with.
package enum StoreAnswer: Sendable {
    /// nil: there is none.
    case value(StoreValue?)
    /// What was to be changed is changed, and stays so.
    case done
    /// The sum.
    case number(StoreNumber)
    case keys([StoreRequest.Key])
}

/// What a store may hold.
package enum StoreLimits {
    /// Bytes of a key.
    package static let key = 1024
    /// Bytes of a value, as it is kept.
    package static let value = 1 << 20
    /// Bytes of all keys that one request is answered with.
    package static let keys = 16 << 20
}
