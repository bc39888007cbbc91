package import NIOCore

extension ByteBuffer {
    /// Writes a text as a JSON string with its quotes; escapes only what RFC 8259 section 7 requires.
    package mutating func writeJSONString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            writeInteger(UInt8(ascii: "\""))
            var written = 0
            var at = 0
            while at < bytes.count {
                at = Self.nextEscaped(in: bytes, from: at)
                if at > written { writeBytes(UnsafeRawBufferPointer(rebasing: bytes[written..<at])) }
                guard at < bytes.count else { break }
                writeEscape(of: bytes[at])
                at += 1
                written = at
            }
            writeInteger(UInt8(ascii: "\""))
        }
    }

    /// Writes bytes on a way that is JSON: text as a string, anything else as `{"encoding":"base64","base64":"…"}`.
    package mutating func writeJSON(ofBytes bytes: UnsafeRawBufferPointer) {
        if let text = String(validating: bytes, as: UTF8.self) { return writeJSONString(text) }
        writeStaticString("{\"encoding\":\"base64\",\"base64\":\"")
        writeString(Base64.text(of: bytes))
        writeStaticString("\"}")
    }

    /// Writes a JSON string, or `null` for nil.
    package mutating func writeJSONStringOrNull(_ text: String?) {
        if let text { writeJSONString(text) } else { writeStaticString("null") }
    }

    package mutating func writeJSONInteger(_ value: Int64) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: 20) { target in
            var magnitude = value.magnitude
            var length = value < 0 ? 2 : 1
            while magnitude >= 10 {
                magnitude /= 10
                length += 1
            }
            magnitude = value.magnitude
            for at in stride(from: length - 1, through: value < 0 ? 1 : 0, by: -1) {
                target[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
            }
            if value < 0 { target[0] = UInt8(ascii: "-") }
            return length
        }
    }

    /// Writes the shortest number that reads back as the same, with a fraction or an exponent (`1.0`, `1e+20`), so
    /// that it stays a floating-point number; `null` for what JSON cannot say (infinities and not-a-number).
    package mutating func writeJSONNumber(_ value: Double) {
        if value.isFinite { writeString(value.description) } else { writeStaticString("null") }
    }

    package mutating func writeJSONBool(_ value: Bool) {
        writeStaticString(value ? "true" : "false")
    }

    /// Writes a value without white space.
    package mutating func writeJSON(_ value: JSONValue) {
        switch value {
        case .null: writeStaticString("null")
        case .bool(let value): writeJSONBool(value)
        case .integer(let value): writeJSONInteger(value)
        case .number(let value): writeJSONNumber(value)
        case .string(let value): writeJSONString(value)
        case .array(let elements):
            writeInteger(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { writeInteger(UInt8(ascii: ",")) }
                writeJSON(element)
            }
            writeInteger(UInt8(ascii: "]"))
        case .object(let object):
            writeInteger(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { writeInteger(UInt8(ascii: ",")) }
                writeJSONString(member.key)
                writeInteger(UInt8(ascii: ":"))
                writeJSON(member.value)
            }
            writeInteger(UInt8(ascii: "}"))
        }
    }

    /// Writes a time in milliseconds since 1970 as `2026-01-02T03:04:05.678Z`, without quotes.
    package mutating func writeTimestamp(_ milliseconds: Int64) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: Timestamp.longestText) { target in
            Timestamp.write(milliseconds, to: target)
        }
    }

    /// Where the next byte stands that a JSON string must escape; the count of bytes when there is none.
    private static func nextEscaped(in bytes: UnsafeRawBufferPointer, from begin: Int) -> Int {
        var at = begin
        while bytes.count - at >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let marks = escapeMarks(in: word)
            if marks != 0 { return at + marks.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < bytes.count, !mustEscape(bytes[at]) { at += 1 }
        return at
    }

    /// Marks, among eight bytes, those that a string must escape: the lowest mark (bit 7 of its byte) is exact, those
    /// above it may be wrong, as the subtractions borrow.
    @inline(__always)
    private static func escapeMarks(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let marks =
            ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | ((word &- ones &* 0x20) & ~word)
        return marks & 0x8080_8080_8080_8080
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        case 0x08: writeStaticString("\\b")
        case 0x0C: writeStaticString("\\f")
        case 0x0A: writeStaticString("\\n")
        case 0x0D: writeStaticString("\\r")
        case 0x09: writeStaticString("\\t")
        default:
            writeStaticString("\\u00")
            writeInteger(Hexadecimal.digit(byte >> 4))
            writeInteger(Hexadecimal.digit(byte & 0xF))
        }
    }
}
