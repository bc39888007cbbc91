/// The kind of a Lua value. `null` is `agenthost.null`, which Lua itself calls a userdata.
package enum LuaType {
    case none, null, `nil`, boolean, integer, number, string, table, function, userdata, thread, lightUserdata
}
