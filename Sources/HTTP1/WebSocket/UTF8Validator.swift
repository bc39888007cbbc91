/// Checks UTF-8 as it arrives, in pieces that may end within a character (RFC 3629; RFC 6455 section 8.1).
struct UTF8Validator {
    /// How many bytes the character begun still needs.
    private var missing: UInt8 = 0
    /// What the next byte of it may be: narrower than 80…BF after E0, ED, F0 and F4.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// No character is begun and not ended.
    var isComplete: Bool { missing == 0 }

    /// False as soon as no continuation can make the text valid.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at < bytes.count {
            if missing == 0 {
                while bytes.count - at >= 8 {
                    let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    if word & 0x8080_8080_8080_8080 != 0 { break }
                    at += 8
                }
                guard at < bytes.count else { break }
                let byte = bytes[at]
                at += 1
                if byte >= 0x80, !begin(byte) { return false }
            } else {
                let byte = bytes[at]
                at += 1
                guard byte >= lower, byte <= upper else { return false }
                missing -= 1
                lower = 0x80
                upper = 0xBF
            }
        }
        return true
    }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: missing = 1
        case 0xE0...0xEF:
            missing = 2
            // No overlong forms, no surrogates.
            if byte == 0xE0 { lower = 0xA0 }
            if byte == 0xED { upper = 0x9F }
        case 0xF0...0xF4:
            missing = 3
            // No overlong forms, nothing above U+10FFFF.
            if byte == 0xF0 { lower = 0x90 }
            if byte == 0xF4 { upper = 0x8F }
        default: return false
        }
        return true
    }
}
