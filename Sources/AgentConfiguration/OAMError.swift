/// Everything that is wrong with an OAM application, each with its line.
package struct OAMError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One thing that is wrong.
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The file as it was named to the reader.
        package let file: String
        /// The line, from 1; nil when the whole file is meant.
        package let line: Int?
        package let message: String

        /// `app.yaml:12: message`
        package var description: String {
            line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
        }
    }

    /// In the order of their lines; never empty.
    package let problems: [Problem]

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
