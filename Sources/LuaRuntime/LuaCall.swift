/// One call of a host function by a script. The arguments are at 1 … `argumentCount` of `stack`, which has room for
/// twenty more values.
package struct LuaCall {
    package let stack: LuaStack
    package let state: LuaState
    package let argumentCount: Int32
    /// The function's name, for messages.
    package let name: String

    /// Whether the function may answer `.wait`: not within `table.sort`, `string.gsub`, a metamethod called from C, or
    /// while a script loads.
    package var canWait: Bool { stack.canWait }

    /// For a function that starts something before it waits. Throws where it cannot wait, naming the function.
    package func requireWait() throws(LuaFailure) {
        if !canWait {
            throw .cannotWait(name)
        }
    }
}

extension LuaFailure {
    static func cannotWait(_ name: String) -> LuaFailure {
        LuaFailure("attempt to wait in a place that cannot wait (\(name))")
    }
}

/// How a host function ends when it does not throw.
package enum LuaOutcome {
    /// The topmost values are the results; this many.
    case results(Int32)
    /// The host resumes the root coroutine (`LuaState.running`) later.
    case wait
}

package typealias LuaHostFunction = (LuaCall) throws(LuaFailure) -> LuaOutcome
