/// Reads Base64 as it is met in the wild, piece by piece: of either alphabet of RFC 4648, with or without padding, in lines
/// or in one.
package struct Base64Reader {
    package struct Failure: Error, CustomStringConvertible {
        /// What is wrong, and at which byte, from 0.
        package let description: String
    }

    package private(set) var bytes: [UInt8] = []
    private var group = 0
    private var bits = 0
    private var digits = 0
    private var padding = 0
    private var position = 0

    package init() {}

    package mutating func read(_ text: UnsafeRawBufferPointer) throws(Failure) {
        bytes.reserveCapacity(bytes.count + text.count / 4 * 3)
        for character in text {
            switch character {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): break
            case UInt8(ascii: "="):
                padding += 1
            default:
                guard let digit = Self.value(of: character) else {
                    let shown =
                        (0x21...0x7E).contains(character)
                        ? "'\(Character(UnicodeScalar(character)))'" : "a byte of \(character)"
                    throw Failure(description: "invalid base64 at byte \(position): \(shown)")
                }
                guard padding == 0 else {
                    throw Failure(description: "invalid base64 at byte \(position): there is more after the padding")
                }
                add(digit)
            }
            position += 1
        }
    }

    /// The text is over.
    package func finish() throws(Failure) {
        guard digits % 4 != 1, padding == 0 || (padding <= 2 && (digits + padding) % 4 == 0) else {
            throw Failure(description: "invalid base64: \(position) bytes that end within a group of four")
        }
    }

    private mutating func add(_ digit: Int) {
        digits += 1
        group = (group << 6 | digit) & 0xFFFF
        bits += 6
        guard bits >= 8 else { return }
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
    }

    private static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: Base64.value(of: character)
        }
    }
}
