import AgentModel
import LuaRuntime

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
            for (type, handler) in handlers.tasks.sorted(by: { $0.key < $1.key }) {
                handlers.tasks[type]?.function = try observed(handler.function, "task \(type)")
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
}
