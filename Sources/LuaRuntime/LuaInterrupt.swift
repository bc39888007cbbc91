internal import CLuaBridge

/// Ends what a Lua state runs, from any thread: once it is raised, a state that was made with it ends each slice as if its
/// budget were spent. It cannot be taken back.
package final class LuaInterrupt: Sendable {
    /// An atomic flag; nil when there was no memory for one, and then nothing is interrupted.
    nonisolated(unsafe) let flag: OpaquePointer?

    package init() {
        flag = lb_interrupt_new()
    }

    deinit {
        lb_interrupt_free(flag)
    }

    package func raise() {
        if let flag { lb_interrupt_raise(flag) }
    }
}
