/// What texts stand for where a number or a truth value is expected, by the rules of pydantic's lax mode
/// (pydantic-core, `src/input/shared.rs`; tried against pydantic 2.13 and 2.14).
enum LaxText {
    enum Number: Equatable {
        case integer(Int64)
        case number(Double)
        case notFinite
        /// A whole number beyond 64 bits.
        case tooLarge
    }

    /// Longer texts are no numbers: what Python, too, reads at most.
    private static let longest = 4300

    /// A whole number in decimal digits, with white space around it, a sign, single underscores within, and `.0` after
    /// it; nil for any other text.
    static func integer(_ text: String) -> Number? {
        guard text.utf8.count <= longest, var digits = withoutUnderscores(trimmed(text)) else { return nil }
        if let point = digits.firstIndex(of: ".") {
            let zeros = digits[digits.index(after: point)...]
            guard !zeros.isEmpty, zeros.allSatisfy({ $0 == "0" }) else { return nil }
            digits = String(digits[..<point])
        }
        let unsigned = digits.first == "-" || digits.first == "+" ? digits.dropFirst() : digits[...]
        guard !unsigned.isEmpty, unsigned.utf8.allSatisfy(isDigit) else { return nil }
        return Int64(digits).map { .integer($0) } ?? .tooLarge
    }

    /// A number as Python's `float` reads one; whole ones stay integers, as those of JSON do.
    static func number(_ text: String) -> Number? {
        if case .integer(let value)? = integer(text), !text.contains(".") { return .integer(value) }
        guard text.utf8.count <= longest, let digits = withoutUnderscores(trimmed(text)) else { return nil }
        let unsigned = digits.first == "-" || digits.first == "+" ? digits.dropFirst() : digits[...]
        if ["inf", "infinity", "nan"].contains(unsigned.lowercased()) { return .notFinite }
        guard digits.utf8.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }), let value = Double(digits) else {
            return nil
        }
        return value.isFinite ? .number(value) : .notFinite
    }

    /// `true`, `yes`, `on`, `t`, `y`, `1` and their opposites, whatever their case; nil for any other text.
    static func boolean(_ text: String) -> Bool? {
        guard text.utf8.count <= 5 else { return nil }
        return switch text.lowercased() {
        case "true", "yes", "on", "t", "y", "1": true
        case "false", "no", "off", "f", "n", "0": false
        default: nil
        }
    }

    /// Seconds or milliseconds since 1970: digits with a sign and a fraction.
    static func epoch(_ text: String) -> Double? {
        let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 40, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else {
            return nil
        }
        return Double(text)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func trimmed(_ text: String) -> Substring {
        let scalars = text.unicodeScalars
        let begun = scalars.drop(while: \.properties.isWhitespace)
        let end = begun.lastIndex { !$0.properties.isWhitespace }.map(begun.index(after:)) ?? begun.startIndex
        return Substring(begun[begun.startIndex..<end])
    }

    /// Nil where underscores are not between other characters, one at a time.
    private static func withoutUnderscores(_ text: Substring) -> String? {
        guard text.contains("_") else { return String(text) }
        guard text.first != "_", text.last != "_", !text.contains("__") else { return nil }
        return String(text.replacing("_", with: ""))
    }
}
