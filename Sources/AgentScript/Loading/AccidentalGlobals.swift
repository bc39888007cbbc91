import LuaRuntime

/// Globals that are assigned in functions alone: mostly a `local` that was forgotten.
enum AccidentalGlobals {
    /// A line for each of them, where it is assigned first. One that the main chunk of a file makes is meant; others'
    /// files are left out.
    static func warnings(of writes: [LuaGlobalWrite]) -> [String] {
        guard writes.count < LuaGlobalWrite.most else { return [] }
        var known = Set(writes.filter { !$0.isInFunction }.map(\.name))
        return writes.compactMap { write in
            guard !isOfOthers(write.file), known.insert(write.name).inserted else { return nil }
            return
                "\(write.file):\(write.line): \(write.name) is assigned as a global, which all handlers share and a reload "
                + "loses: write local \(write.name), or keep it in agent.state"
        }
    }

    /// Whether a file lies below `lib` or `lua_modules`.
    private static func isOfOthers(_ file: String) -> Bool {
        file.split(separator: "/").dropLast().contains { $0 == "lib" || $0 == "lua_modules" }
    }
}
