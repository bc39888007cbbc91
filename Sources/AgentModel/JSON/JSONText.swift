/// From the text of a JSON token to its value. The tokens were passed by `JSONReader`, so none of this can fail.
enum JSONText {
    /// Marks, among eight bytes, those that a string cannot just pass: `"`, `\`, control characters and non-ASCII.
    ///
    /// The lowest byte marked (bit 7 of it) is exact; marks above it may be wrong, as the subtractions borrow.
    @inline(__always)
    static func special(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let marks =
            ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
            | ((word &- ones &* 0x20) & ~word) | word
        return marks & 0x8080_8080_8080_8080
    }

    /// Four hexadecimal digits; nil when there are not four.
    static func hexadecimal(at begin: Int, in bytes: UnsafeRawBufferPointer) -> UInt16? {
        guard begin + 4 <= bytes.count else { return nil }
        var unit: UInt16 = 0
        for byte in bytes[begin..<(begin + 4)] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// The string between a pair of quotes.
    static func string(_ raw: Slice<UnsafeRawBufferPointer>, hasEscapes: Bool) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: raw)
        guard hasEscapes else { return String(decoding: raw, as: UTF8.self) }
        // No escape is shorter than the UTF-8 of what it stands for.
        return String(unsafeUninitializedCapacity: raw.count) { text in
            var length = 0
            unescape(raw) { byte in
                text[length] = byte
                length += 1
            }
            return length
        }
    }

    /// Whether the string between a pair of quotes is `text`.
    static func string(_ raw: Slice<UnsafeRawBufferPointer>, hasEscapes: Bool, equals text: String) -> Bool {
        if hasEscapes { return Array(string(raw, hasEscapes: true).utf8) == Array(text.utf8) }
        return raw.count == text.utf8.count && raw.elementsEqual(text.utf8)
    }

    @inline(__always)
    private static func unescape(_ raw: UnsafeRawBufferPointer, to write: (UInt8) -> Void) {
        var at = 0
        while at < raw.count {
            let byte = raw[at]
            at += 1
            guard byte == UInt8(ascii: "\\"), at < raw.count else {
                write(byte)
                continue
            }
            let letter = raw[at]
            at += 1
            switch letter {
            case UInt8(ascii: "b"): write(0x08)
            case UInt8(ascii: "f"): write(0x0C)
            case UInt8(ascii: "n"): write(0x0A)
            case UInt8(ascii: "r"): write(0x0D)
            case UInt8(ascii: "t"): write(0x09)
            case UInt8(ascii: "u"):
                var code = UInt32(hexadecimal(at: at, in: raw) ?? 0)
                at += 4
                if (0xD800...0xDBFF).contains(code), let low = hexadecimal(at: at + 2, in: raw),
                    (0xDC00...0xDFFF).contains(low)
                {
                    code = 0x10000 + (code - 0xD800) << 10 + (UInt32(low) - 0xDC00)
                    at += 6
                }
                let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
                for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { write(unit) }
            default: write(letter)
            }
        }
    }

    /// An integer; nil beyond 64 bits.
    static func integer(_ digits: Slice<UnsafeRawBufferPointer>) -> Int64? {
        let isNegative = digits.first == UInt8(ascii: "-")
        // The negative range is the wider one.
        var value: Int64 = 0
        for byte in isNegative ? digits.dropFirst() : digits {
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowedAgain) = shifted.subtractingReportingOverflow(Int64(byte &- UInt8(ascii: "0")))
            if overflowed || overflowedAgain { return nil }
            value = next
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// The nearest number; infinity beyond the range.
    static func double(_ text: Slice<UnsafeRawBufferPointer>) -> Double {
        Double(String(decoding: text, as: UTF8.self)) ?? .infinity
    }
}
