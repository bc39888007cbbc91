import LuaRuntime

/// Fields of the `task` that a handler is given. What its code cannot see is not made: most handlers read `parameters` and
/// nothing else.
package struct TaskFields: OptionSet, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    static let id = Self(rawValue: 1 << 0)
    static let type = Self(rawValue: 1 << 1)
    static let query = Self(rawValue: 1 << 2)
    static let parameters = Self(rawValue: 1 << 3)
    static let context = Self(rawValue: 1 << 4)
    static let priority = Self(rawValue: 1 << 5)
    /// Any other: what the metatable of a task has, and tells of names that no task has.
    static let others = Self(rawValue: 1 << 6)

    /// In the order of their bits.
    private static let names: [StaticString] = ["id", "type", "query", "parameters", "context", "priority"]

    /// Whatever there is.
    package static let all = Self(rawValue: (1 << 7) - 1)

    /// What the function at the index, a handler of tasks, can see of its parameter.
    init(readByHandlerAt index: Int32, on stack: LuaStack) {
        switch stack.reading(ofParameter: 0, byFunctionAt: index, names: LuaNames(Self.names)) {
        case .anything: self = .all
        case .nothing: self = []
        case .fields(let fields, let others): self = others ? .all : Self(rawValue: fields)
        }
    }
}
