internal import CLua
internal import CLuaBridge

/// The stack of one Lua thread. A thin value: every operation is raw and cannot raise. Indices count from 1 at the
/// bottom, or from -1 at the top; `at` and `of` take either.
package struct LuaStack {
    let thread: OpaquePointer

    package var top: Int32 { lua_gettop(thread) }

    package func setTop(_ index: Int32) {
        lua_settop(thread, index)
    }

    package func pop(_ count: Int32 = 1) {
        clua_pop(thread, count)
    }

    package func pushValue(at index: Int32) {
        lua_pushvalue(thread, index)
    }

    package func remove(at index: Int32) {
        clua_remove(thread, index)
    }

    /// Moves the topmost value to `index`.
    package func insert(at index: Int32) {
        clua_insert(thread, index)
    }

    /// Replaces the value at `index` by the topmost one, which it pops.
    package func replace(at index: Int32) {
        clua_replace(thread, index)
    }

    /// The index counted from the bottom.
    package func absolute(_ index: Int32) -> Int32 {
        lua_absindex(thread, index)
    }

    /// Makes room for more values than the `LuaCall.room` there always are. False when the stack cannot grow so far: it
    /// holds a million values at most.
    package func ensure(_ slots: Int32) -> Bool {
        lua_checkstack(thread, slots) != 0
    }

    /// Moves the topmost values to another stack of the same state. False, and nothing moved, when that has no room.
    package func moveTop(_ count: Int32, to other: LuaStack) -> Bool {
        guard thread != other.thread, count > 0 else { return true }
        guard other.ensure(count) else { return false }
        lua_xmove(thread, other.thread, count)
        return true
    }

    package func rawEqual(_ a: Int32, _ b: Int32) -> Bool {
        lua_rawequal(thread, a, b) != 0
    }

    // MARK: References

    /// Holds the topmost value, which it pops.
    package func reference() -> LuaReference {
        LuaReference(key: luaL_ref(thread, clua_registry_index()))
    }

    package func push(_ reference: LuaReference) {
        lua_rawgeti(thread, clua_registry_index(), lua_Integer(reference.key))
    }

    package func release(_ reference: LuaReference) {
        luaL_unref(thread, clua_registry_index(), reference.key)
    }

    // MARK: Running scripts

    var canWait: Bool { lb_can_wait(thread) }

    var isCalledByOwnFile: Bool { lb_reads_strictly(thread) }

    /// As `LuaCall.charge`. Outside a slice nothing is charged.
    package func charge(_ units: Int = 1) throws(LuaFailure) {
        if !lb_spend(thread, units) { throw .budget }
    }

    /// "health.lua:12", the innermost script frame at or above `level`: 0 is what runs, 1 what called it.
    package func location(level: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 96) { buffer in
            lb_location(thread, level, buffer.baseAddress, buffer.count)
                ? buffer.baseAddress.map { String(cString: $0) } : nil
        }
    }

    func pushFailure(_ message: String, position: Bool) {
        var message = message
        message.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                lb_push_failure(thread, $0.baseAddress, $0.count, position)
            }
        }
    }
}
