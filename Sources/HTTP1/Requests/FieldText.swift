/// What RFC 9110 section 5 says of the bytes of header fields.
enum FieldText {
    /// tchar of RFC 9110 section 5.6.2.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"),
            UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            return true
        default: return false
        }
    }

    /// Whether all bytes may stand in a field's value: visible, above ASCII, space or tab (RFC 9110 section 5.5).
    @inline(__always)
    static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = 0
        while bytes.count - at >= 8 {
            let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let deletes = word ^ (ones &* 0x7F)
            let marks = ((word &- ones &* 0x20) & ~word) | ((deletes &- ones) & ~deletes)
            // The marks of bytes after a marked one may be wrong, so the eight are looked at one by one.
            if marks & 0x8080_8080_8080_8080 != 0 {
                for index in at..<(at + 8) where !isValueByte(bytes[index]) { return false }
            }
            at += 8
        }
        while at < bytes.count {
            if !isValueByte(bytes[at]) { return false }
            at += 1
        }
        return true
    }

    @inline(__always)
    private static func isValueByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || byte == 0x09
    }

    /// Whether the bytes are a lower-case ASCII text of letters, digits, `-`, `/` and `+`, whatever their case.
    @inline(__always)
    static func equal(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count == count else { return false }
        let start = text.utf8Start
        for index in 0..<count {
            let byte = bytes[index]
            let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            if lower != start[index] { return false }
        }
        return true
    }

    /// Without spaces and tabs at either end.
    @inline(__always)
    static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var lower = bytes.startIndex
        var upper = bytes.endIndex
        while lower < upper, bytes.base[lower] == 0x20 || bytes.base[lower] == 0x09 { lower += 1 }
        while upper > lower, bytes.base[upper - 1] == 0x20 || bytes.base[upper - 1] == 0x09 { upper -= 1 }
        return bytes.base[lower..<upper]
    }
}
