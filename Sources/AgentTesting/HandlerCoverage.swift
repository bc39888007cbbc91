/// Which handlers of one script were called by tests, and which were not; timers are not counted.
package struct HandlerCoverage: Sendable, Equatable {
    /// The script's path, as it was loaded.
    package var script: String
    /// Labels such as "task greet" or "topic orders", sorted.
    package var called: [String]
    package var missed: [String]

    /// The coverage of several files of tests together: a handler is missed when none of them called it.
    package static func merged(_ parts: [HandlerCoverage]) -> [HandlerCoverage] {
        Dictionary(grouping: parts, by: \.script).sorted { $0.key < $1.key }.map { script, parts in
            let called = Set(parts.flatMap(\.called))
            let missed = Set(parts.flatMap(\.missed)).subtracting(called)
            return HandlerCoverage(script: script, called: called.sorted(), missed: missed.sorted())
        }
    }
}
