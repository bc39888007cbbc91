/// A random UUID (RFC 9562 section 5.4, version 4), whose text is made when it is asked for.
package struct RandomUUID: Hashable, Sendable, CustomStringConvertible {
    /// Its 16 bytes, the first of them highest.
    private let high: UInt64
    private let low: UInt64

    /// Of 16 random bytes, of which six bits say what it is.
    package init(random high: UInt64, _ low: UInt64) {
        self.high = high & ~0xF000 | 0x4000
        self.low = low & ~(0b11 << 62) | 0b10 << 62
    }

    /// In lower case.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var at = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    text[at] = UInt8(ascii: "-")
                    at += 1
                }
                let byte = UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(56 - index % 8 * 8))
                text[at] = Hexadecimal.digit(byte >> 4)
                text[at + 1] = Hexadecimal.digit(byte & 0xF)
                at += 2
            }
            return at
        }
    }
}
