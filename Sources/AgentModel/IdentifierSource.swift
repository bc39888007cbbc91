#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes random UUIDs (RFC 9562 section 5.4), from randomness that it takes from the system 4 KiB at a time.
///
/// Not copyable: a copy would give the same identifiers again.
package struct IdentifierSource: ~Copyable, Sendable {
    private var randomness = [UInt8](repeating: 0, count: 4096)
    private var position = 4096

    package init() {}

    /// A new UUID of version 4, in lower case.
    package mutating func next() -> String {
        if position == randomness.count { refill() }
        let begin = position
        position += 16
        randomness[begin + 6] = randomness[begin + 6] & 0x0F | 0x40
        randomness[begin + 8] = randomness[begin + 8] & 0x3F | 0x80
        return String(unsafeUninitializedCapacity: 36) { text in
            var at = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    text[at] = UInt8(ascii: "-")
                    at += 1
                }
                let byte = randomness[begin + index]
                text[at] = Hexadecimal.digit(byte >> 4)
                text[at + 1] = Hexadecimal.digit(byte & 0xF)
                at += 2
            }
            return at
        }
    }

    private mutating func refill() {
        position = 0
        randomness.withUnsafeMutableBytes { bytes in
            // getentropy(3) gives at most 256 bytes at a time.
            for begin in stride(from: 0, to: bytes.count, by: 256) {
                let block = UnsafeMutableRawBufferPointer(rebasing: bytes[begin..<(begin + 256)])
                guard getentropy(block.baseAddress, block.count) != 0 else { continue }
                // A kernel without the call: the standard library knows the other ways.
                var generator = SystemRandomNumberGenerator()
                for index in block.indices { block[index] = generator.next() }
            }
        }
    }
}
