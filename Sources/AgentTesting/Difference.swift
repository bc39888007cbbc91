/// What a test expected and what it got, for people.
enum Difference {
    /// Beyond this many lines a difference is not worth its time: both are shown one after the other.
    private static let longest = 2000

    /// Two values on a line each; larger ones line by line, with `-` before what was expected and `+` before what came.
    static func text(expected: LuaValue, got: LuaValue) -> String {
        let left = expected.lines
        let right = got.lines
        if left.count == 1, right.count == 1 {
            return "  expected  \(left[0])\(kind(expected, got))\n  got       \(right[0])\(kind(got, expected))"
        }
        return (["  - expected", "  + got"] + lines(left, right)).joined(separator: "\n")
    }

    /// The type, where two values look the same and are not.
    private static func kind(_ value: LuaValue, _ other: LuaValue) -> String {
        guard value.text == other.text else { return "" }
        return if case .other = value { "  (another one)" } else { "" }
    }

    private static func lines(_ expected: [String], _ got: [String]) -> [String] {
        guard expected.count + got.count <= longest else {
            return expected.map { "  - \($0)" } + got.map { "  + \($0)" }
        }
        var removed = Set<Int>()
        var inserted = Set<Int>()
        for change in got.difference(from: expected) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var lines: [String] = []
        var left = 0
        var right = 0
        while left < expected.count || right < got.count {
            if removed.contains(left) {
                lines.append("  - \(expected[left])")
                left += 1
            } else if inserted.contains(right) {
                lines.append("  + \(got[right])")
                right += 1
            } else {
                lines.append("    \(expected[left])")
                left += 1
                right += 1
            }
        }
        return lines
    }
}
