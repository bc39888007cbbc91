/// A value as it is kept: a string of a script is its bytes, anything else is JSON.
package struct StoreValue: Sendable, Equatable {
    /// Written into files: never to be given another meaning.
    package enum Kind: Int64, Sendable {
        case json = 0
        case bytes = 1
    }

    package let kind: Kind
    package let bytes: [UInt8]

    package init(kind: Kind, bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }
}

/// A number of a script, of either kind that Lua has.
package enum StoreNumber: Sendable, Equatable {
    case integer(Int64)
    case real(Double)

    /// The sum, by Lua's rules for the kinds; nil for what neither 64 bits nor a float can hold.
    package func adding(_ other: StoreNumber) -> StoreNumber? {
        if case .integer(let left) = self, case .integer(let right) = other {
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? nil : .integer(sum)
        }
        let sum = real + other.real
        return sum.isFinite ? .real(sum) : nil
    }

    private var real: Double {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        }
    }

    /// As the bridge writes it: a float has a fraction or an exponent.
    package var value: StoreValue {
        switch self {
        case .integer(let value): StoreValue(kind: .json, bytes: Array("\(value)".utf8))
        case .real(let value): StoreValue(kind: .json, bytes: Array("\(value)".utf8))
        }
    }
}

extension StoreValue {
    /// nil: it is no number.
    private var number: StoreNumber? {
        guard kind == .json, let first = bytes.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        return Int64(text).map { .integer($0) } ?? Double(text).map { .real($0) }
    }

    /// What `add` makes of a value, nil for none; the failure says why it is no sum.
    package static func sum(
        of value: StoreValue?, and number: StoreNumber
    ) -> Result<StoreNumber, DeliveryFailure> {
        guard let value else { return .success(number) }
        guard let known = value.number else {
            return .failure(DeliveryFailure("the value of the key is no number, so nothing can be added to it"))
        }
        guard let sum = known.adding(number) else {
            return .failure(DeliveryFailure("the sum is too large for a number"))
        }
        return .success(sum)
    }
}
