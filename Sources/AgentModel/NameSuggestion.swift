/// Finds the name that was probably meant, for "did you mean".
package enum NameSuggestion {
    /// The nearest of the candidates, the first of equally near ones; nil when none is near enough to be meant.
    ///
    /// Near is an edit distance (insertions, deletions, replacements, neighbours swapped; upper and lower case are the
    /// same) of at most 2 or a third of the name's length, and 1 for names of up to three characters.
    ///
    /// A name longer than 64 bytes is near to none, and of very many candidates only the first 1,000 are looked at: the
    /// name may be anything that a script or a client came up with.
    package static func nearest(_ name: String, among candidates: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let letters = Array(name.lowercased().unicodeScalars)
        var limit = letters.count <= 3 ? 1 : max(2, letters.count / 3)
        var nearest: String?
        for candidate in candidates.prefix(1000) where candidate.utf8.count <= 128 {
            let other = Array(candidate.lowercased().unicodeScalars)
            guard !letters.isEmpty, !other.isEmpty, abs(letters.count - other.count) <= limit else { continue }
            let distance = distance(letters, other)
            // One replaced letter of a single one leaves nothing in common.
            if distance <= limit, distance < max(letters.count, other.count) {
                nearest = candidate
                limit = distance - 1
            }
        }
        return nearest
    }

    /// Optimal string alignment distance, three rows at a time.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let replaced = previous[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
                var best = min(replaced, previous[column] + 1, current[column - 1] + 1)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforePrevious[column - 2] + 1)
                }
                current.append(best)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
