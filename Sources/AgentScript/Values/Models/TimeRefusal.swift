import AgentModel

/// Why something is no time, as pydantic words it (speedate, `src/date.rs` and `src/datetime.rs`).
enum TimeRefusal: String, Sendable {
    case tooShort = "input is too short"
    case year = "invalid character in year"
    case separator = "invalid date separator, expected `-`"
    case month = "invalid character in month"
    case day = "invalid character in day"
    case monthRange = "month value is outside expected range of 1-12"
    case dayRange = "day value is outside expected range"
    case extra = "unexpected extra characters at the end of the input"
    case after = "dates after 9999 are not supported as unix timestamps"
    case before = "dates before 0000 are not supported as unix timestamps"

    /// Of a text that `Timestamp.parse` does not read: where a date of the form YYYY-MM-DD ends to be one.
    init(of text: String) {
        let bytes = Array(text.utf8.prefix(11))
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].reduce(0) { number, byte in
                guard let number, (0x30...0x39).contains(byte) else { return nil }
                return number * 10 + Int(byte - 0x30)
            }
        }
        guard bytes.count >= 10 else {
            self = .tooShort
            return
        }
        if number(0..<4) == nil {
            self = .year
        } else if bytes[4] != UInt8(ascii: "-") {
            self = .separator
        } else if number(5..<7) == nil {
            self = .month
        } else if bytes[7] != UInt8(ascii: "-") {
            self = .separator
        } else if number(8..<10) == nil {
            self = .day
        } else if !(1...12).contains(number(5..<7) ?? 0) {
            self = .monthRange
        } else {
            // A date that is there is refused for what comes after it.
            let isDate = Timestamp.parse(String(decoding: bytes[..<10], as: UTF8.self)) != nil
            self = isDate ? .extra : .dayRange
        }
    }

    /// Whether pydantic was reading a date when it gave up.
    var isOfDate: Bool { self != .after && self != .before }
}
