/// Well-formed UTF-8 (RFC 3629 section 4): nothing overlong, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
    /// Bytes of the well-formed sequence that begins at `at`, which is no ASCII byte; 0 when there is none.
    static func length(at: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        func isContinuation(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            at + offset < bytes.count && range.contains(bytes[at + offset])
        }
        switch bytes[at] {
        case 0xC2...0xDF:
            return isContinuation(1) ? 2 : 0
        case 0xE0:
            return isContinuation(1, 0xA0...0xBF) && isContinuation(2) ? 3 : 0
        case 0xED:
            return isContinuation(1, 0x80...0x9F) && isContinuation(2) ? 3 : 0
        case 0xE1...0xEF:
            return isContinuation(1) && isContinuation(2) ? 3 : 0
        case 0xF0:
            return isContinuation(1, 0x90...0xBF) && isContinuation(2) && isContinuation(3) ? 4 : 0
        case 0xF1...0xF3:
            return isContinuation(1) && isContinuation(2) && isContinuation(3) ? 4 : 0
        case 0xF4:
            return isContinuation(1, 0x80...0x8F) && isContinuation(2) && isContinuation(3) ? 4 : 0
        default:
            return 0
        }
    }

    /// Where the first sequence that is not well-formed begins; nil when all are.
    static func firstInvalid(in bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        while at < bytes.count {
            if bytes[at] < 0x80 {
                at += 1
                continue
            }
            let length = length(at: at, in: bytes)
            if length == 0 { return at }
            at += length
        }
        return nil
    }
}
