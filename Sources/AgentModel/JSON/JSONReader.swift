/// Walks through a JSON document (RFC 8259) byte by byte and checks everything it passes.
///
/// What it is asked for is read; what it only passes costs no allocation. The bytes must outlive the reader.
struct JSONReader {
    /// Arrays and objects within one another.
    static let depthLimit = 128

    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The byte at the position; at the end 0, which no token begins with either.
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    /// Reads a whole document with `read`, which begins at its first byte that is not white space.
    mutating func document<Read>(
        _ read: (inout JSONReader) throws(JSONError) -> Read
    ) throws(JSONError) -> Read {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw failure("Unexpected UTF-8 BOM (decode using utf-8-sig)", at: 0)
        }
        skipWhitespace()
        let result = try read(&self)
        skipWhitespace()
        if position < bytes.count { throw failure("Extra data", at: position) }
        return result
    }

    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// Passes one value, which must begin at the position; `depth` is how many arrays and objects are around it.
    mutating func skipValue(depth: Int) throws(JSONError) {
        switch current {
        case UInt8(ascii: "\""): _ = try skipString()
        case UInt8(ascii: "{"):
            try object(depth: depth) { (reader, _) throws(JSONError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try array(depth: depth) { (reader) throws(JSONError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "t"): try skipLiteral("true")
        case UInt8(ascii: "f"): try skipLiteral("false")
        case UInt8(ascii: "n"): try skipLiteral("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try skipNumber()
        default: throw failure("Expecting value", at: position)
        }
    }

    /// Passes an object, whose `{` is at the position; `member` must read or pass each value, told its key.
    @inline(__always)
    mutating func object(
        depth: Int, member: (inout JSONReader, JSONKey) throws(JSONError) -> Void
    ) throws(JSONError) {
        try enter(depth)
        if current == UInt8(ascii: "}") {
            position += 1
            return
        }
        while true {
            guard current == UInt8(ascii: "\"") else {
                throw failure("Expecting property name enclosed in double quotes", at: position)
            }
            let begin = position + 1
            let hasEscapes = try skipString()
            let key = JSONKey(begin: begin, end: position - 1, hasEscapes: hasEscapes)
            skipWhitespace()
            guard current == UInt8(ascii: ":") else { throw failure("Expecting ':' delimiter", at: position) }
            position += 1
            skipWhitespace()
            try member(&self, key)
            if try closes(with: UInt8(ascii: "}")) { return }
        }
    }

    /// Passes an array, whose `[` is at the position; `element` must read or pass each value.
    @inline(__always)
    mutating func array(
        depth: Int, element: (inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        try enter(depth)
        if current == UInt8(ascii: "]") {
            position += 1
            return
        }
        while true {
            try element(&self)
            if try closes(with: UInt8(ascii: "]")) { return }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        if depth >= Self.depthLimit { throw failure("Nested deeper than 128 levels", at: position) }
        position += 1
        skipWhitespace()
    }

    /// After a member or an element: true when the bracket follows, false when a comma promises another.
    private mutating func closes(with bracket: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        if current == bracket {
            position += 1
            return true
        }
        guard current == UInt8(ascii: ",") else { throw failure("Expecting ',' delimiter", at: position) }
        position += 1
        skipWhitespace()
        return false
    }

    mutating func skipLiteral(_ literal: StaticString) throws(JSONError) {
        let length = literal.utf8CodeUnitCount
        guard bytes.count - position >= length else { throw failure("Expecting value", at: position) }
        for index in 0..<length where bytes[position + index] != literal.utf8Start[index] {
            throw failure("Expecting value", at: position)
        }
        position += length
    }

    /// The fault to report: that the document is not UTF-8, when it is not, comes before all others, as it does in
    /// every program that decodes text before it parses it.
    @inline(never)
    func failure(_ message: String, at offset: Int) -> JSONError {
        if let invalid = UTF8Sequence.firstInvalid(in: bytes) {
            return JSONError(message: "Invalid UTF-8", offset: invalid, isUTF8Error: true)
        }
        return JSONError(message: message, offset: offset)
    }
}

/// Where the key of a member stands in its document, without the quotes.
struct JSONKey {
    let begin: Int
    let end: Int
    let hasEscapes: Bool
}
