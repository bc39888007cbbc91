/// One histogram that is read when it is asked for.
package struct HistogramObservation: Sendable {
    package var dimensions: [(String, String)]
    /// How many values are in each bucket alone; one more than there are bounds.
    package var buckets: [Int]
    package var sum: Double

    package init(_ dimensions: [(String, String)], buckets: [Int], sum: Double) {
        self.dimensions = dimensions
        self.buckets = buckets
        self.sum = sum
    }
}

/// One value of a metric that is read when it is asked for.
package struct Observation: Sendable {
    package var dimensions: [(String, String)]
    package var value: Double

    package init(_ dimensions: [(String, String)] = [], _ value: Double) {
        self.dimensions = dimensions
        self.value = value
    }
}
