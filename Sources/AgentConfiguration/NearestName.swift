/// The candidate that `name` is most likely a misspelling of, or nil when none is near enough to suggest.
///
/// Near means at most two single-character edits (insert, delete, replace, swap of neighbours), or a third of the
/// name's length when that is more.
func nearestName(to name: String, in candidates: [String]) -> String? {
    let limit = max(2, name.count / 3)
    let ranked = candidates.map { (name: $0, distance: editDistance(name, $0)) }
    guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
    return best.distance <= limit ? best.name : nil
}

/// The optimal string alignment distance of two names.
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    // Names are short; a name of a kilobyte is no misspelling of a setting and not worth the quadratic table.
    guard left.count <= 128, right.count <= 128 else { return Int.max }
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, character) in left.enumerated() {
        var current = [row + 1]
        current.reserveCapacity(right.count + 1)
        for (column, other) in right.enumerated() {
            var cost = min(previous[column + 1] + 1, current[column] + 1)
            cost = min(cost, previous[column] + (character == other ? 0 : 1))
            if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
