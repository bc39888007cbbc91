extension Timestamp {
    /// Reads a date, or a date and time, in any form of ISO 8601; milliseconds since 1970, nil for anything else.
    ///
    /// Dates by month, week or ordinal day, basic or extended, down to a year alone; `T` or a space before the time;
    /// a fraction, after point or comma, of the time's last part (cut to milliseconds); `Z`, `±hh`, `±hhmm`, `±hh:mm`.
    /// A time without zone is UTC.
    package static func parse(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { utf8 in
            var reader = TimestampReader(bytes: UnsafeRawBufferPointer(utf8))
            return reader.timestamp()
        }
    }
}

/// Reads the parts of an ISO 8601 text, left to right.
private struct TimestampReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func timestamp() -> Int64? {
        guard let days = date() else { return nil }
        var inDay = 0
        if !isAtEnd {
            guard take("T") || take("t") || take(" "), let time = time(), let zone = zone(), isAtEnd else { return nil }
            inDay = time - zone
        }
        // The years of the expanded form reach beyond 64 bits of milliseconds.
        let (midnight, overflowed) = Int64(days).multipliedReportingOverflow(by: 86_400_000)
        let (milliseconds, overflowedAgain) = midnight.addingReportingOverflow(Int64(inDay))
        return overflowed || overflowedAgain ? nil : milliseconds
    }

    /// Days since 1970.
    private mutating func date() -> Int? {
        guard let (year, isExpanded) = year() else { return nil }
        if isAtEnd { return CalendarDate(year: year, month: 1, day: 1)?.daysSince1970 }
        let isExtended = take("-")
        if isExpanded, !isExtended { return nil }
        if take("W") { return week(year, isExtended: isExtended) }
        switch (isExtended, digitsAhead) {
        case (true, 2):
            guard let month = number(digits: 2) else { return nil }
            if isAtEnd { return CalendarDate(year: year, month: month, day: 1)?.daysSince1970 }
            guard take("-"), let day = number(digits: 2) else { return nil }
            return CalendarDate(year: year, month: month, day: day)?.daysSince1970
        case (false, 4):
            guard let month = number(digits: 2), let day = number(digits: 2) else { return nil }
            return CalendarDate(year: year, month: month, day: day)?.daysSince1970
        case (_, 3):
            guard let day = number(digits: 3), (1...(CalendarDate.isLeap(year) ? 366 : 365)).contains(day),
                let first = CalendarDate(year: year, month: 1, day: 1)
            else { return nil }
            return first.daysSince1970 + day - 1
        default:
            return nil
        }
    }

    /// Four digits, or a sign and six to nine.
    private mutating func year() -> (year: Int, isExpanded: Bool)? {
        let isNegative = take("-")
        guard isNegative || take("+") else { return number(digits: 4).map { ($0, false) } }
        let digits = digitsAhead
        guard (6...9).contains(digits), let year = number(digits: digits) else { return nil }
        return (isNegative ? -year : year, true)
    }

    /// After the `W`: the week, and the day in it; Monday without one.
    private mutating func week(_ year: Int, isExtended: Bool) -> Int? {
        guard let week = number(digits: 2) else { return nil }
        var day = 1
        if isExtended ? take("-") : digitsAhead == 1 {
            guard let given = number(digits: 1) else { return nil }
            day = given
        }
        guard let begin = Self.firstMonday(of: year), let end = Self.firstMonday(of: year + 1), (1...7).contains(day)
        else { return nil }
        let days = begin + (week - 1) * 7
        return week >= 1 && days < end ? days + day - 1 : nil
    }

    /// Week 1 is the one with 4 January in it; 1 January 1970 was a Thursday.
    private static func firstMonday(of year: Int) -> Int? {
        guard let fourth = CalendarDate(year: year, month: 1, day: 4)?.daysSince1970 else { return nil }
        return fourth - (fourth + 3).flooredQuotient(by: 7).remainder
    }

    /// Milliseconds since midnight. The second 60 of a leap second is the first of the next minute.
    private mutating func time() -> Int? {
        guard let hour = number(digits: 2), hour <= 24 else { return nil }
        var time = hour * 3_600_000
        var unit = 3_600_000
        let isExtended = digitsAhead == 0 && take(":")
        if isExtended || digitsAhead > 0 {
            guard let minute = number(digits: 2), minute < 60 else { return nil }
            time += minute * 60_000
            unit = 60_000
            if isExtended ? take(":") : digitsAhead > 0 {
                guard let second = number(digits: 2), second <= 60 else { return nil }
                time += second * 1000
                unit = 1000
            }
        }
        if take(".") || take(",") {
            guard let fraction = fraction(of: unit) else { return nil }
            time += fraction
        }
        return hour == 24 && time > 86_400_000 ? nil : time
    }

    /// The digits of a fraction as a part of `unit` milliseconds, rounded down.
    private mutating func fraction(of unit: Int) -> Int? {
        guard digitsAhead > 0 else { return nil }
        // Nine digits decide the milliseconds of an hour's fraction; those after them change nothing.
        var value = 0
        var scale = 1
        while !isAtEnd, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            if scale < 1_000_000_000 {
                value = value * 10 + Int(digit)
                scale *= 10
            }
            position += 1
        }
        return value * unit / scale
    }

    /// Milliseconds that the zone is ahead of UTC.
    private mutating func zone() -> Int? {
        if isAtEnd || take("Z") || take("z") { return 0 }
        let isBehind = take("-")
        guard isBehind || take("+"), let hours = number(digits: 2), hours < 24 else { return nil }
        var minutes = 0
        if take(":") || digitsAhead > 0 {
            guard let given = number(digits: 2), given < 60 else { return nil }
            minutes = given
        }
        let offset = (hours * 60 + minutes) * 60_000
        return isBehind ? -offset : offset
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard !isAtEnd, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// How many digits follow.
    private var digitsAhead: Int {
        bytes[position...].prefix { $0 &- UInt8(ascii: "0") < 10 }.count
    }

    private mutating func number(digits: Int) -> Int? {
        guard digitsAhead >= digits else { return nil }
        var value = 0
        for byte in bytes[position..<(position + digits)] { value = value * 10 + Int(byte - UInt8(ascii: "0")) }
        position += digits
        return value
    }
}
