import AgentModel
import LuaRuntime

/// `agent.state` across a reload.
extension Generation {
    /// Copies the state of the generation before into this one, at the swap.
    ///
    /// Without `on_upgrade` each field of the old state replaces the field of that name here; a field that only the new
    /// script set while it loaded stays, so that a new version's defaults hold for what is new. With `on_upgrade(state,
    /// old_version)`, what that returns, given a copy, is the state. The table itself stays the same one: a script may
    /// keep it in a local. What is not plain data (a function, a coroutine, a metatable) is not taken over: no state must
    /// keep a script from being replaced. Returns what that was, or nil. Throws when `on_upgrade` raises.
    @discardableResult
    package func adoptState(of old: Generation) throws(ScriptFailure) -> String? {
        guard let oldAgent = old.agentReference, let agent = agentReference else { return nil }
        let from = old.state.stack
        let stack = state.stack
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
            if let upgrade = handlers.upgrade {
                let copy = stack.reference()
                try state.call(
                    upgrade,
                    arguments: { stack in
                        stack.push(copy)
                        stack.push(old.version)
                        return 2
                    }, results: 1)
                stack.release(copy)
                guard stack.type(at: -1) == .table else {
                    throw LuaError(
                        kind: .runtime,
                        message:
                            "\(snapshot.name): on_upgrade must return the state, a table; it returned \(stack.typeName(at: -1))",
                        traceback: nil)
                }
            }
        } catch {
            throw ScriptFailure(error)
        }
        let copied = stack.top
        stack.push(agent)
        if stack.getField("state", of: -1) != .table {
            stack.pop(1)
            stack.newTable()
            stack.pushValue(at: -1)
            stack.setField("state", of: copied + 1)
        }
        let target = stack.top
        if handlers.upgrade != nil { clear(tableAt: target, on: stack) }
        stack.pushNil()
        while stack.next(of: copied) {
            stack.pushValue(at: -2)
            stack.insert(at: -2)
            stack.rawSet(of: target)
        }
        return lost
    }

    /// Takes every field out of a table.
    func clear(tableAt index: Int32, on stack: LuaStack) {
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
