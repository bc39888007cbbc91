/// One value of a metric that is read when it is asked for.
package struct Observation: Sendable {
    package var dimensions: [(String, String)]
    package var value: Double

    package init(_ dimensions: [(String, String)] = [], _ value: Double) {
        self.dimensions = dimensions
        self.value = value
    }
}
