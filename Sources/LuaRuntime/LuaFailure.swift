/// What a host function throws; becomes a Lua error where the script called it.
package struct LuaFailure: Error {
    package let message: String
    /// Whether "file:line: " of the caller goes in front.
    package let position: Bool

    package init(_ message: String, position: Bool = true) {
        self.message = message
        self.position = position
    }

    /// Misuse of an argument, in the words of Lua's own library: "bad argument #1 to 'sleep' (number expected, got
    /// nil)".
    package static func argument(_ index: Int, _ function: String, _ message: String) -> LuaFailure {
        LuaFailure("bad argument #\(index) to '\(function)' (\(message))")
    }
}
