import AgentModel
package import LuaRuntime

/// What a test sees of a generation from outside, and may set.
extension Generation {
    /// Lua that calls `seen` and then the handler itself; a tail call, so that the handler's lines in errors and
    /// tracebacks, its waits and its results stay what they are.
    private static let observed = "local seen, handler = ... return function(...) seen() return handler(...) end"

    /// From now on `observer` is told the label of a handler ("task greet", "topic orders") whenever it begins, for
    /// all handlers but timers. Returns the labels. Before the generation is put in service.
    package func observeHandlers(_ observer: @escaping (String) -> Void) throws(ScriptFailure) -> [String] {
        var labels: [String] = []
        do throws(LuaError) {
            let wrapper = try Array(Self.observed.utf8).withUnsafeBytesTyped { (bytes) throws(LuaError) in
                try state.compile(bytes, name: "observed handler")
            }
            defer { state.stack.release(wrapper) }
            func observed(_ function: LuaReference, _ label: String) throws(LuaError) -> LuaReference {
                if !labels.contains(label) { labels.append(label) }
                try state.call(
                    wrapper,
                    arguments: { stack in
                        stack.pushFunction("seen") { _ in
                            observer(label)
                            return .results(0)
                        }
                        stack.push(function)
                        return 2
                    }, results: 1)
                return state.stack.reference()
            }
            for (type, function) in handlers.tasks.sorted(by: { $0.key < $1.key }) {
                handlers.tasks[type] = try observed(function, "task \(type)")
            }
            for (index, handler) in handlers.messages.enumerated() {
                handlers.messages[index].function = try observed(handler.function, "topic \(handler.filter.text)")
            }
            for (type, functions) in handlers.events.sorted(by: { $0.key < $1.key }) {
                for (index, function) in functions.enumerated() {
                    let label = functions.count == 1 ? "event \(type)" : "event \(type) (\(index + 1))"
                    handlers.events[type]?[index] = try observed(function, label)
                }
            }
            for (type, function) in handlers.websocket.sorted(by: { $0.key < $1.key }) {
                handlers.websocket[type] = try observed(function, "websocket \(type)")
            }
            for (path, endpoint) in handlers.raw.sorted(by: { $0.key < $1.key }) {
                handlers.raw[path]?.onMessage = try observed(endpoint.onMessage, "raw websocket \(path)")
            }
        } catch {
            throw ScriptFailure(error)
        }
        return labels
    }

    /// Pushes a copy of `agent.state` on the stack of another Lua state, of what a reload would take over.
    package func pushState(on other: LuaStack) throws(LuaError) {
        guard let agentReference else { return other.newTable() }
        let stack = state.stack
        let top = stack.top
        defer { stack.setTop(top) }
        stack.push(agentReference)
        stack.getField("state", of: -1)
        _ = try LuaState.copyWhatIsPlain(from: stack, at: -1, to: other, path: "agent.state")
    }

    /// Replaces what is in `agent.state` by a copy of a table of another Lua state. The table itself stays the same
    /// one: a script may keep it in a local.
    package func replaceState(from other: LuaStack, at index: Int32) throws(LuaError) {
        guard let agentReference else { return }
        let stack = state.stack
        let top = stack.top
        defer { stack.setTop(top) }
        try LuaState.copyPlain(from: other, at: index, to: stack, path: "state")
        let copied = stack.top
        stack.push(agentReference)
        if stack.getField("state", of: -1) != .table {
            stack.pop(1)
            stack.newTable()
            stack.pushValue(at: -1)
            stack.setField("state", of: copied + 1)
        }
        let target = stack.top
        clear(tableAt: target, on: stack)
        stack.pushNil()
        while stack.next(of: copied) {
            stack.pushValue(at: -2)
            stack.insert(at: -2)
            stack.rawSet(of: target)
        }
    }
}
