internal import CNames

/// Finds the name that was probably meant, for "did you mean".
package enum NameSuggestion {
    /// The nearest of the candidates, the first of equally near ones; nil when none is near enough to be meant.
    ///
    /// Near is an edit distance (insertions, deletions, replacements, neighbours swapped; upper and lower case are the
    /// same) of at most 2 or a third of the name's length, and 1 for names of up to three characters.
    ///
    /// A name longer than `CN_LONGEST` bytes is near to none, and of very many candidates only the first 1,000 are looked
    /// at: the name may be anything that a script or a client came up with.
    package static func nearest(_ name: String, among candidates: [String]) -> String? {
        var name = name
        return name.withUTF8 { name in
            guard !name.isEmpty, name.count <= CN_LONGEST else { return nil }
            var reach = name.count <= 3 ? 1 : max(2, name.count / 3)
            var nearest: String?
            for candidate in candidates.prefix(1000) {
                var other = candidate
                let (distance, length) = other.withUTF8 { other in
                    (cn_distance(name.baseAddress, name.count, other.baseAddress, other.count, reach), other.count)
                }
                // One replaced letter of a single one leaves nothing in common.
                guard distance <= reach, distance < max(name.count, length) else { continue }
                nearest = candidate
                if distance == 0 { break }
                reach = distance - 1
            }
            return nearest
        }
    }

    /// " (did you mean 'x'?)", or nothing.
    package static func hint(_ name: String, among candidates: [String]) -> String {
        nearest(name, among: candidates).map { " (did you mean '\($0)'?)" } ?? ""
    }
}
