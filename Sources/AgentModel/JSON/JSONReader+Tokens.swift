extension JSONReader {
    /// Passes a string, whose opening quote is at the position; true when it has escapes.
    mutating func skipString() throws(JSONError) -> Bool {
        let begin = position
        var at = begin + 1
        var hasEscapes = false
        while true {
            while bytes.count - at >= 8 {
                let special = JSONText.special(
                    in: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
                if special == 0 {
                    at += 8
                } else {
                    at += special.trailingZeroBitCount / 8
                    break
                }
            }
            guard at < bytes.count else { throw failure("Unterminated string starting at", at: begin) }
            switch bytes[at] {
            case UInt8(ascii: "\""):
                position = at + 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                at = try endOfEscape(at: at, string: begin)
            case ..<0x20:
                throw failure("Invalid control character at", at: at)
            case ..<0x80:
                at += 1
            default:
                let length = UTF8Sequence.length(at: at, in: bytes)
                if length == 0 { throw failure("Invalid UTF-8", at: at) }
                at += length
            }
        }
    }

    /// Where the escape that begins at a backslash ends.
    ///
    /// Half of a surrogate pair is refused: there is no UTF-8 for it, so no string that could hold it.
    private func endOfEscape(at backslash: Int, string: Int) throws(JSONError) -> Int {
        let letter = backslash + 1
        guard letter < bytes.count else { throw failure("Unterminated string starting at", at: string) }
        switch bytes[letter] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return letter + 1
        case UInt8(ascii: "u"):
            guard let unit = JSONText.hexadecimal(at: letter + 1, in: bytes), letter + 5 < bytes.count else {
                throw failure("Invalid \\uXXXX escape", at: letter)
            }
            switch unit {
            case 0xD800...0xDBFF:
                guard letter + 6 < bytes.count, bytes[letter + 5] == UInt8(ascii: "\\"),
                    bytes[letter + 6] == UInt8(ascii: "u"), let low = JSONText.hexadecimal(at: letter + 7, in: bytes)
                else { throw failure("Invalid \\uXXXX escape: unpaired surrogate", at: letter) }
                // As in Python, an escape that the text ends with is invalid, not unterminated.
                guard letter + 11 < bytes.count else { throw failure("Invalid \\uXXXX escape", at: letter + 6) }
                guard (0xDC00...0xDFFF).contains(low) else {
                    throw failure("Invalid \\uXXXX escape: unpaired surrogate", at: letter)
                }
                return letter + 11
            case 0xDC00...0xDFFF:
                throw failure("Invalid \\uXXXX escape: unpaired surrogate", at: letter)
            default:
                return letter + 5
            }
        default:
            throw failure("Invalid \\escape", at: backslash)
        }
    }

    /// Passes a number, whose sign or first digit is at the position; true when it has no fraction and no exponent.
    ///
    /// As in Python, what could have been a number but is not (`1.`, `01`, `2e`) ends before the byte that is wrong.
    mutating func skipNumber() throws(JSONError) -> Bool {
        let begin = position
        var at = begin
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        guard isDigit(at) else { throw failure("Expecting value", at: begin) }
        if bytes[at] == UInt8(ascii: "0") {
            at += 1
        } else {
            at = endOfDigits(at)
        }
        var isInteger = true
        if at < bytes.count, bytes[at] == UInt8(ascii: "."), isDigit(at + 1) {
            isInteger = false
            at = endOfDigits(at + 1)
        }
        var exponentDigits = 0
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            var digits = at + 1
            if digits < bytes.count, bytes[digits] == UInt8(ascii: "+") || bytes[digits] == UInt8(ascii: "-") {
                digits += 1
            }
            if isDigit(digits) {
                isInteger = false
                at = endOfDigits(digits)
                exponentDigits = at - digits
            }
        }
        position = at
        // Up to 200 characters and an exponent of two digits stay below 1e308.
        if exponentDigits > 2 || at - begin > 200, !JSONText.double(bytes[begin..<at]).isFinite {
            throw failure("Number out of range", at: begin)
        }
        return isInteger
    }

    private func isDigit(_ at: Int) -> Bool {
        at < bytes.count && bytes[at] &- UInt8(ascii: "0") < 10
    }

    private func endOfDigits(_ begin: Int) -> Int {
        var at = begin
        while isDigit(at) { at += 1 }
        return at
    }
}
