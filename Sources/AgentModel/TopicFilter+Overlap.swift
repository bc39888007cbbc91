/// Filters that have topics in common. A broker may deliver a message once for every subscription that matches it (MQTT
/// 3.1.1 section 3.3.5), and no message tells for which.
extension TopicFilter {
    /// Whether there is a topic that belongs to both.
    package func overlaps(_ other: TopicFilter) -> Bool {
        let (left, right) = (levels, other.levels)
        // A leading wildcard does not stand for a level that begins with $ (section 4.7.2).
        for (first, second) in [(left[0], right[0]), (right[0], left[0])]
        where first.first == UInt8(ascii: "$") && Self.isWildcard(second) { return false }
        var position = 0
        while position < left.count || position < right.count {
            // `a/#` is also for `a`, so # may stand one level behind the other's end (section 4.7.1.2).
            if Self.isRest(left, at: position) || Self.isRest(right, at: position) { return true }
            guard position < left.count, position < right.count else { return false }
            let (mine, theirs) = (left[position], right[position])
            guard Self.isWildcard(mine) || Self.isWildcard(theirs) || mine.elementsEqual(theirs) else { return false }
            position += 1
        }
        return true
    }

    /// The narrowest filter that matches whatever one of two overlapping filters matches.
    package func joined(with other: TopicFilter) -> TopicFilter? {
        let (left, right) = (levels, other.levels)
        var joined: [String] = []
        for position in 0..<max(left.count, right.count) {
            guard position < left.count, position < right.count, !Self.isRest(left, at: position),
                !Self.isRest(right, at: position)
            else {
                joined.append("#")
                break
            }
            let isSame = left[position].elementsEqual(right[position])
            joined.append(isSame ? String(decoding: left[position], as: UTF8.self) : "+")
        }
        return try? TopicFilter(joined.joined(separator: "/"))
    }

    private typealias Level = Substring.UTF8View

    private var levels: [Level] {
        subject[...].utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    private static func isRest(_ levels: [Level], at position: Int) -> Bool {
        position < levels.count && levels[position].elementsEqual([UInt8(ascii: "#")])
    }

    private static func isWildcard(_ level: Level) -> Bool {
        level.elementsEqual([UInt8(ascii: "#")]) || level.elementsEqual([UInt8(ascii: "+")])
    }
}
