internal import CLua
internal import CLuaBridge

extension LuaStack {
    // MARK: Making

    package func newTable(array: Int32 = 0, fields: Int32 = 0) {
        lua_createtable(thread, array, fields)
    }

    /// Marks a table as an array: its JSON is `[…]` even when it is empty.
    package func markArray(at index: Int32) {
        lb_mark_array(thread, index)
    }

    package func isArray(at index: Int32) -> Bool {
        lb_is_array(thread, index)
    }

    /// Has memory outside of Lua count as the script's, for as long as the metatable of the value at the index lives.
    package func hold(bytes: Int, forMetatableOf index: Int32) {
        guard bytes > 0, lua_getmetatable(thread, index) != 0 else { return }
        lua_newuserdatauv(thread, bytes, 0)
        setField("held", of: -2)
        pop()
    }

    // MARK: Fields

    /// Pushes the field's value without metamethods.
    @discardableResult
    package func getField(_ name: StaticString, of index: Int32) -> LuaType {
        lb_get_field(thread, index, name.characters)
        return type(at: -1)
    }

    /// Pushes the field's value without metamethods.
    @discardableResult
    package func getField(_ name: String, of index: Int32) -> LuaType {
        let table = absolute(index)
        push(name)
        lua_rawget(thread, table)
        return type(at: -1)
    }

    /// Sets the field to the topmost value, which it pops.
    package func setField(_ name: StaticString, of index: Int32) {
        lb_set_field(thread, index, name.characters)
    }

    /// Sets the field to the topmost value, which it pops.
    package func setField(_ name: String, of index: Int32) {
        let table = absolute(index)
        push(name)
        insert(at: -2)
        lua_rawset(thread, table)
    }

    @discardableResult
    package func getIndex(_ i: Int, of index: Int32) -> LuaType {
        lua_rawgeti(thread, index, lua_Integer(i))
        return type(at: -1)
    }

    package func setIndex(_ i: Int, of index: Int32) {
        lua_rawseti(thread, index, lua_Integer(i))
    }

    /// The length without metamethods: a border of a table, the bytes of a string.
    package func length(of index: Int32) -> Int {
        Int(lua_rawlen(thread, index))
    }

    /// Replaces the key on top of the stack by its value.
    @discardableResult
    package func rawGet(of index: Int32) -> LuaType {
        lua_rawget(thread, index)
        return type(at: -1)
    }

    /// Pops a value and, below it, its key. Keys that Lua refuses (nil, NaN) are ignored.
    package func rawSet(of index: Int32) {
        lb_raw_set(thread, index)
    }

    /// Replaces the key on top of the stack (`nil` to begin) by the next key and its value; at the end pops it and
    /// returns false. The table must not get new keys in between.
    package func next(of index: Int32) -> Bool {
        lua_next(thread, index) != 0
    }

    // MARK: Metatables and globals

    /// Sets the metatable on top of the stack, which it pops. A `__gc` in it is removed: no budget reaches a finalizer.
    package func setMetatable(of index: Int32) {
        lb_set_metatable(thread, index)
    }

    /// Pushes the metatable, if there is one.
    package func getMetatable(of index: Int32) -> Bool {
        lua_getmetatable(thread, index) != 0
    }

    @discardableResult
    package func getGlobal(_ name: String) -> LuaType {
        pushGlobals()
        getField(name, of: -1)
        remove(at: -2)
        return type(at: -1)
    }

    package func setGlobal(_ name: String) {
        pushGlobals()
        insert(at: -2)
        setField(name, of: -2)
        pop()
    }

    /// Pops a value: files of others, those below `lib` and `lua_modules`, find it as a global; an agent's own do not.
    package func setLibraryGlobal(_ name: String) {
        lb_set_library_global(thread, name)
    }

    private func pushGlobals() {
        lua_rawgeti(thread, clua_registry_index(), lua_Integer(LUA_RIDX_GLOBALS))
    }
}
