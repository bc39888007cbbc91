/// A value that the host holds (`luaL_ref`), until it is released on any stack of the same state.
package struct LuaReference: Hashable {
    let key: Int32

    /// A small number of its own among those that are held.
    package var number: Int { Int(key) }
}
