import LuaRuntime

/// A function that `agenthost.spawn` has begun, until it has ended and who waits for it knows.
///
/// The handle of the script is an empty table; what it came to is kept in the handle's metatable, which scripts do not
/// see. So it lives as long as the handle does, and whatever it returned is Lua's to collect.
package final class SpawnedFunction {
    package let identifier: Int
    /// The handle's metatable; held while the function runs, whoever has the handle.
    let metatable: LuaReference
    /// What runs it, once it has begun.
    package weak var runner: AnyObject?
    /// Called in order when it has ended.
    package var waiters: [(waiter: ObjectIdentifier, resume: () -> Void)] = []
    /// It failed, and somebody has been told, or will be.
    package var isClaimed = false
    package internal(set) var hasEnded = false

    init(identifier: Int, metatable: LuaReference) {
        self.identifier = identifier
        self.metatable = metatable
    }
}
