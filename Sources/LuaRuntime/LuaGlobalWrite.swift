/// An assignment to a global, as it stands in a file: `counter = 1`, or `function name() … end`.
package struct LuaGlobalWrite: Sendable, Equatable {
    package let name: String
    /// As the file was called when it was compiled.
    package let file: String
    package let line: Int
    /// In a function of the file, not in its main chunk, which runs once.
    package let isInFunction: Bool

    /// How many a state notes; when it has so many, there may be more.
    package static let most = 10_000
}
