import AgentModel
package import LuaRuntime

/// `agent.state` of a script, and what it takes over from another's.
package struct AgentState {
    let script: ScriptContext

    package init(of script: ScriptContext) {
        self.script = script
    }

    /// Copies the state of the version before into this one, at the swap.
    ///
    /// Without `on_upgrade` each field of the old state replaces the field of that name here; a field that only the new
    /// script set while it loaded stays, so that a new version's defaults hold for what is new. With `on_upgrade(state,
    /// old_version)`, what that returns, given a copy, is the state. The table itself stays the same one: a script may
    /// keep it in a local. What is not plain data (a function, a coroutine, a metatable) is not taken over: no state must
    /// keep a script from being replaced. Returns what that was, or nil. Throws when `on_upgrade` raises.
    func adopt(_ old: AgentState) throws(ScriptFailure) -> String? {
        guard let oldAgent = old.script.agent, let agent = script.agent else { return nil }
        let from = old.script.state.stack
        let stack = script.state.stack
        let fromTop = from.top
        let top = stack.top
        defer {
            from.setTop(fromTop)
            stack.setTop(top)
        }
        from.push(oldAgent)
        let kind = from.getField("state", of: -1)
        if kind == .nil || kind == .null { return nil }
        guard kind == .table else { return "agent.state is a \(from.typeName(at: -1)), no table" }
        let lost: String?
        do throws(LuaError) {
            lost = try LuaState.copyWhatIsPlain(from: from, at: -1, to: stack, path: "agent.state")
            if let upgrade = script.handlers.upgrade { try run(upgrade, of: old.script.version) }
        } catch {
            throw ScriptFailure(error)
        }
        fill(agent, from: stack.top, isReplaced: script.handlers.upgrade != nil)
        return lost
    }

    /// Replaces the state on top of the stack by what `on_upgrade` makes of it.
    private func run(_ upgrade: LuaReference, of version: String) throws(LuaError) {
        let stack = script.state.stack
        let copy = stack.reference()
        try script.state.call(
            upgrade,
            arguments: { stack in
                stack.push(copy)
                stack.push(version)
                return 2
            }, results: 1)
        stack.release(copy)
        guard stack.type(at: -1) == .table else {
            throw LuaError(
                kind: .runtime,
                message:
                    "\(script.snapshot.name): on_upgrade must return the state, a table; it returned \(stack.typeName(at: -1))",
                traceback: nil)
        }
    }

    /// Pushes a copy on the stack of another Lua state, of what a reload would take over.
    package func push(on other: LuaStack) throws(LuaError) {
        guard let agent = script.agent else { return other.newTable() }
        let stack = script.state.stack
        let top = stack.top
        defer { stack.setTop(top) }
        stack.push(agent)
        stack.getField("state", of: -1)
        _ = try LuaState.copyWhatIsPlain(from: stack, at: -1, to: other, path: "agent.state")
    }

    /// Replaces what is in it by a copy of a table of another Lua state.
    package func replace(from other: LuaStack, at index: Int32) throws(LuaError) {
        guard let agent = script.agent else { return }
        let stack = script.state.stack
        let top = stack.top
        defer { stack.setTop(top) }
        try LuaState.copyPlain(from: other, at: index, to: stack, path: "state")
        fill(agent, from: stack.top, isReplaced: true)
    }

    /// Sets the fields of the table at the index in the state, in the place of all others or beside them. The state's
    /// table itself stays the same one: a script may keep it in a local.
    private func fill(_ agent: LuaReference, from copied: Int32, isReplaced: Bool) {
        let stack = script.state.stack
        stack.push(agent)
        if stack.getField("state", of: -1) != .table {
            stack.pop(1)
            stack.newTable()
            stack.pushValue(at: -1)
            stack.setField("state", of: -3)
        }
        let target = stack.top
        if isReplaced { clear(tableAt: target, on: stack) }
        stack.pushNil()
        while stack.next(of: copied) {
            stack.pushValue(at: -2)
            stack.insert(at: -2)
            stack.rawSet(of: target)
        }
    }

    /// Takes every field out of a table.
    private func clear(tableAt index: Int32, on stack: LuaStack) {
        stack.pushNil()
        while stack.next(of: index) {
            stack.pop(1)
            // Assigning nil to an existing field is allowed during a traversal.
            stack.pushValue(at: -1)
            stack.pushNil()
            stack.rawSet(of: index)
        }
    }
}
