internal import CLuaBridge

/// One call of a host function by a script. The arguments are at 1 … `argumentCount` of `stack`, which has room for
/// `room` more values; who pushes more asks `LuaStack.ensure` first.
package struct LuaCall {
    /// Values that may be pushed without asking: by a host function, on a coroutine before it starts or goes on, and on
    /// top of what came back from it.
    package static let room = Int32(LB_HOST_SLOTS)

    package let stack: LuaStack
    package let argumentCount: Int32
    /// Kept by the state for as long as Lua can call it.
    unowned(unsafe) let function: HostFunction

    /// The function's name, for messages.
    package var name: String { function.name }

    /// Whether the function may answer `.wait`: not within `table.sort`, `string.gsub`, a metamethod called from C, or
    /// while a script loads.
    package var canWait: Bool { stack.canWait }

    /// Charges work that the function is about to do for the script, in units of about 10 ns. Every function whose work
    /// grows with what a script chose charges it, in a loop step by step.
    package func charge(_ units: Int = 1) throws(LuaFailure) {
        try stack.charge(units)
    }

    /// Whether one of the agent's own files called the function, not one of others' below `lib` or `lua_modules`.
    package var isByOwnFile: Bool { stack.isCalledByOwnFile }

    /// For a function that starts something before it waits. Throws where it cannot wait, naming the function.
    package func requireWait() throws(LuaFailure) {
        if !canWait {
            throw .cannotWait(name)
        }
    }
}

extension LuaFailure {
    /// The slice's budget is spent: the trampoline raises that in place of this.
    static let budget = LuaFailure("the budget of CPU time is spent")

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

/// A function that scripts call of the host.
final class HostFunction {
    let name: String
    let body: LuaHostFunction

    init(name: String, body: @escaping LuaHostFunction) {
        self.name = name
        self.body = body
    }
}

package typealias LuaHostFunction = (LuaCall) throws(LuaFailure) -> LuaOutcome
