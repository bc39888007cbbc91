/// Why the routes of the agents cannot be served together; for the person who writes the scripts.
package struct RouteClash: Error, Sendable, Equatable, CustomStringConvertible {
    /// Names the agent and the path.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
