internal import CLua

extension LuaStack {
    /// "health.lua:12", where the function at the index is defined; nil for what is not a function of a script.
    package func definition(ofFunctionAt index: Int32) -> String? {
        guard type(at: index) == .function else { return nil }
        pushValue(at: index)
        var record = lua_Debug()
        guard lua_getinfo(thread, ">S", &record) != 0, record.linedefined > 0 else { return nil }
        let file = withUnsafeBytes(of: record.short_src) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return "\(file):\(record.linedefined)"
    }
}
