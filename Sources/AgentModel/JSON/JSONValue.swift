package import NIOCore

/// A JSON document as a value, for configuration, status and tests. Messages on their way to a script never become one.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number; finite when it was parsed.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses a whole document: strict RFC 8259, UTF-8, nested at most 128 deep, the last of equal keys wins.
    package init(parsing document: UnsafeRawBufferPointer) throws(JSONError) {
        var tokens = try JSONTokens(of: document)
        self = tokens.value()
    }

    /// Parses the readable bytes as a whole document.
    package init(parsing document: ByteBuffer) throws(JSONError) {
        let parsed = document.withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in try JSONValue(parsing: bytes) }
        }
        self = try parsed.get()
    }

    /// Parses a text as a whole document.
    package init(parsing document: String) throws(JSONError) {
        try self.init(parsing: ByteBuffer(string: document))
    }

    /// The value as JSON without white space.
    package func json() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSON(self)
        return buffer
    }
}

extension JSONValue {
    /// The member of an object; nil for none, and for what is not an object.
    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The element of an array; nil beyond its ends, and for what is not an array.
    package subscript(position: Int) -> JSONValue? {
        if case .array(let array) = self, array.indices.contains(position) { array[position] } else { nil }
    }

    package var isNull: Bool { self == .null }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var integerValue: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// Any number, the nearest one for an integer beyond 2⁵³.
    package var numberValue: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }
}

extension JSONValue {
    /// As people read it: JSON, but a text without quotes.
    package var shown: String { stringValue ?? description }
}

extension JSONValue: CustomStringConvertible {
    package var description: String { String(buffer: json()) }
}
