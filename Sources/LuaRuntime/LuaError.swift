/// A script failed.
package struct LuaError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// The source is not Lua.
        case syntax
        /// An error that the script, or a function it called, raised.
        case runtime
        /// The memory limit.
        case memory
        /// The CPU time of a slice.
        case budget
        /// A value has no JSON, or is not plain data.
        case json
        /// A value that the host knows was raised (`LuaState.keepErrors`), and is on top of the coroutine's stack. No
        /// failure where what runs may say something in this way.
        case kept
    }

    package let kind: Kind
    /// "health.lua:12: attempt to index a nil value (local 'x')".
    package let message: String
    /// Script frames only, as `luaL_traceback` words them; `nil` when there are none, and for memory errors.
    package let traceback: String?

    package init(kind: Kind, message: String, traceback: String? = nil) {
        self.kind = kind
        self.message = message
        self.traceback = traceback
    }

    package var description: String { message }
}
