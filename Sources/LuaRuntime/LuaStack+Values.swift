internal import CJSON
internal import CLua
internal import CLuaBridge

extension LuaStack {
    // MARK: Kinds

    package func type(at index: Int32) -> LuaType {
        switch lua_type(thread, index) {
        case LUA_TNONE: .none
        case LUA_TNIL: .nil
        case LUA_TBOOLEAN: .boolean
        case LUA_TNUMBER: lua_isinteger(thread, index) != 0 ? .integer : .number
        case LUA_TSTRING: .string
        case LUA_TTABLE: .table
        case LUA_TFUNCTION: .function
        case LUA_TTHREAD: .thread
        case LUA_TLIGHTUSERDATA: lua_touserdata(thread, index) == nil ? .null : .lightUserdata
        default: .userdata
        }
    }

    /// Lua's own name of the value's type, "null" for `agenthost.null`, "no value" for an argument that is not there.
    package func typeName(at index: Int32) -> String {
        let type = lua_type(thread, index)
        if type == LUA_TLIGHTUSERDATA && lua_touserdata(thread, index) == nil {
            return "null"
        }
        return lua_typename(thread, type).map { String(cString: $0) } ?? "userdata"
    }

    // MARK: Pushing

    package func pushNil() {
        lua_pushnil(thread)
    }

    /// `agenthost.null`.
    package func pushNull() {
        lb_push_null(thread)
    }

    package func push(_ value: Bool) {
        lua_pushboolean(thread, value ? 1 : 0)
    }

    package func push(_ value: Int64) {
        lua_pushinteger(thread, value)
    }

    package func push(_ value: Int) {
        lua_pushinteger(thread, lua_Integer(value))
    }

    package func push(_ value: Double) {
        lua_pushnumber(thread, value)
    }

    package func push(_ value: String) {
        var value = value
        value.withUTF8 { push(UnsafeRawBufferPointer($0)) }
    }

    package func push(_ value: StaticString) {
        value.withUTF8Buffer { push(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes as a Lua string, UTF-8 or not.
    package func push(_ bytes: UnsafeRawBufferPointer) {
        lua_pushlstring(thread, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }

    // MARK: Reading

    /// Whether Lua takes the value for true: anything but `nil` and `false`.
    package func boolean(at index: Int32) -> Bool {
        lua_toboolean(thread, index) != 0
    }

    /// An integer, or a float with an integral value. Strings are not converted.
    package func integer(at index: Int32) -> Int64? {
        guard lua_type(thread, index) == LUA_TNUMBER else { return nil }
        var isInteger: Int32 = 0
        let value = lua_tointegerx(thread, index, &isInteger)
        return isInteger != 0 ? value : nil
    }

    /// A number of either kind. Strings are not converted.
    package func number(at index: Int32) -> Double? {
        lua_type(thread, index) == LUA_TNUMBER ? lua_tonumberx(thread, index, nil) : nil
    }

    /// A string as text, with what is not UTF-8 in it repaired, and cut where it is longer than `LuaText.longest`.
    /// Numbers are not converted. This is the one way on which text leaves a script (errors, log lines, names); what
    /// travels whole, as a payload does, goes by `withBytes`.
    package func string(at index: Int32) -> String? {
        withBytes(at: index) { LuaText.cut($0) }
    }

    /// Whether `string(at:)` is all of the string.
    package func isCut(at index: Int32) -> Bool {
        lua_type(thread, index) == LUA_TSTRING && length(of: index) > LuaText.longest
    }

    /// The bytes of a string; `nil` for any other type. They are valid while the value is on the stack.
    package func withBytes<R>(at index: Int32, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        var length = 0
        guard let bytes = clua_string(thread, index, &length) else { return nil }
        return try body(UnsafeRawBufferPointer(start: bytes, count: length))
    }

    /// Which object it is, of a table, a function or the like; nil for any other type. It is never looked at.
    package func identity(at index: Int32) -> UnsafeRawPointer? {
        lua_topointer(thread, index)
    }

    /// Whether the value is the string of these bytes.
    package func isString(_ expected: [UInt8], at index: Int32) -> Bool {
        expected.withUnsafeBytes { clua_is_string(thread, index, $0.baseAddress, $0.count) }
    }

    package func isValidUTF8(at index: Int32) -> Bool {
        var length = 0
        guard let bytes = clua_string(thread, index, &length) else { return false }
        return cj_is_valid_utf8(bytes, length)
    }

    /// The value as `tostring` shows it, without metamethods: for logs.
    package func displayString(at index: Int32) -> String {
        lb_push_display(thread, index)
        defer { pop() }
        return string(at: -1) ?? ""
    }
}
