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

    package mutating func next() -> RandomUUID {
        if position == randomness.count { refill() }
        defer { position += 16 }
        return randomness.withUnsafeBytes { bytes in
            RandomUUID(
                random: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
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
