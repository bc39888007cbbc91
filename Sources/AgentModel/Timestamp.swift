#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Times as the wire has them: milliseconds since 1970, in UTC.
package enum Timestamp {
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2026-01-02T03:04:05.678Z`; a year outside 0 to 9999 gets a sign and at least six digits (ISO 8601 expanded).
    package static func text(_ milliseconds: Int64) -> String {
        String(unsafeUninitializedCapacity: longestText) { write(milliseconds, to: UnsafeMutableRawBufferPointer($0)) }
    }

    /// Bytes that `write` may need: sign, nine digits of year, and `-01-02T03:04:05.678Z`.
    static let longestText = 30

    /// Writes the text to the begin of `target`, which must hold `longestText` bytes; returns its length in bytes.
    static func write(_ milliseconds: Int64, to target: UnsafeMutableRawBufferPointer) -> Int {
        var at = 0
        func put(_ byte: UInt8) {
            target[at] = byte
            at += 1
        }
        func put(_ value: Int, digits: Int) {
            var rest = value
            for place in stride(from: at + digits - 1, through: at, by: -1) {
                target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            at += digits
        }

        let (days, inDay) = Int(milliseconds).flooredQuotient(by: 86_400_000)
        let date = CalendarDate(daysSince1970: days)
        if (0...9999).contains(date.year) {
            put(date.year, digits: 4)
        } else {
            put(date.year < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            put(abs(date.year), digits: abs(date.year) < 1_000_000 ? 6 : 9)
        }
        put(UInt8(ascii: "-"))
        put(date.month, digits: 2)
        put(UInt8(ascii: "-"))
        put(date.day, digits: 2)
        put(UInt8(ascii: "T"))
        put(inDay / 3_600_000, digits: 2)
        put(UInt8(ascii: ":"))
        put(inDay / 60_000 % 60, digits: 2)
        put(UInt8(ascii: ":"))
        put(inDay / 1000 % 60, digits: 2)
        put(UInt8(ascii: "."))
        put(inDay % 1000, digits: 3)
        put(UInt8(ascii: "Z"))
        return at
    }
}
