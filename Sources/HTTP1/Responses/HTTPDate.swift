import AgentModel
import NIOCore

/// Times as HTTP writes them (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let days: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The last second of the year 9999, in seconds since 1970.
    static let latest = 253_402_300_799

    /// The seconds since 1970 that a date means; nil for any other text. What is in a form of before 1999 is none: no
    /// client sends back another date than it was given.
    static func seconds(_ text: String) -> Int? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", parts[1].utf8.count == 2,
            let month = months.firstIndex(where: { "\($0)" == parts[2] })
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.parse("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z").map { Int($0 / 1000) }
    }

    /// `seconds` since 1970, at least 0.
    static func text(_ seconds: Int) -> String {
        var buffer = ByteBuffer()
        write(seconds, to: &buffer)
        return String(buffer: buffer)
    }

    /// `seconds` since 1970.
    static func write(_ seconds: Int, to buffer: inout ByteBuffer) {
        let day = seconds / 86_400
        let second = seconds % 86_400
        // Civil date from a day number, with years that begin in March.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        buffer.writeStaticString(days[day % 7])
        buffer.writeStaticString(", ")
        write(twoDigits: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, to: &buffer)
        buffer.writeStaticString(" ")
        buffer.writeStaticString(months[month - 1])
        buffer.writeStaticString(" ")
        write(twoDigits: year / 100, to: &buffer)
        write(twoDigits: year % 100, to: &buffer)
        buffer.writeStaticString(" ")
        write(twoDigits: second / 3600, to: &buffer)
        buffer.writeStaticString(":")
        write(twoDigits: second / 60 % 60, to: &buffer)
        buffer.writeStaticString(":")
        write(twoDigits: second % 60, to: &buffer)
        buffer.writeStaticString(" GMT")
    }

    private static func write(twoDigits number: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "0") + UInt8(number / 10 % 10))
        buffer.writeInteger(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
