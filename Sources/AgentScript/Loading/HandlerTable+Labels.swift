import AgentModel
package import LuaRuntime

extension HandlerTable {
    /// What people call each of the functions ("task greet", "topic orders"), but for timers and those of a version's life.
    package var labels: [(function: LuaReference, label: String)] {
        var labels = tasks.sorted { $0.key < $1.key }.map { ($1.function, "task \($0)") }
        labels += messages.map { ($0.function, "topic \($0.filter.text)") }
        for (type, functions) in events.sorted(by: { $0.key < $1.key }) {
            labels += functions.enumerated().map { index, function in
                (function, functions.count == 1 ? "event \(type)" : "event \(type) (\(index + 1))")
            }
        }
        labels += websocket.sorted { $0.key < $1.key }.map { ($1, "websocket \($0)") }
        labels += raw.sorted { $0.key < $1.key }.map { ($1.onMessage, "raw websocket \($0)") }
        return labels
    }
}
