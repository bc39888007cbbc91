import LuaRuntime

/// What a handler came to.
enum InvocationOutcome {
    /// The results are the topmost values of the stack, valid only during the call.
    case returned(LuaStack, Int32)
    /// It raised, or ran out of its limits.
    case failed(LuaError)
    /// Past its time limit while it waited.
    case timedOut
    /// Its version was closed while it waited.
    case ended
}
