/// Base64 with padding (RFC 4648 section 4): how bytes travel on a way that is text.
package enum Base64 {
    private static let digits = digits(ending: "+/")
    private static let urlDigits = digits(ending: "-_")

    private static func digits(ending: String) -> [UInt8] {
        Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(ending)".utf8)
    }

    package static func text(of bytes: UnsafeRawBufferPointer) -> String { text(of: bytes, forURL: false) }

    /// `forURL`: the alphabet for URLs and file names, without padding (RFC 4648 section 5).
    package static func text(of bytes: UnsafeRawBufferPointer, forURL: Bool) -> String {
        let digits = forURL ? urlDigits : digits
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var length = 0
            for begin in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - begin)
                var group = 0
                for offset in 0..<3 { group = group << 8 | (offset < count ? Int(bytes[begin + offset]) : 0) }
                for digit in 0..<4 where digit <= count || !forURL {
                    text[length] = digit <= count ? digits[group >> (18 - 6 * digit) & 63] : UInt8(ascii: "=")
                    length += 1
                }
            }
            return length
        }
    }

    /// The bytes of a text; nil when it is no Base64.
    package static func bytes(of text: String) -> [UInt8]? {
        let padded = Array(text.utf8)
        let characters = padded.prefix { $0 != UInt8(ascii: "=") }
        guard padded.count % 4 == 0, padded.count - characters.count <= 2,
            padded[characters.count...].allSatisfy({ $0 == UInt8(ascii: "=") })
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(padded.count / 4 * 3)
        var group = 0
        var bits = 0
        for character in characters {
            guard let digit = value(of: character) else { return nil }
            group = (group << 6 | digit) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return bytes
    }

    static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
