internal import CLuaBridge

extension LuaStack {
    /// Pushes a host function; `name` stands in messages. `body` is kept until Lua has collected the function.
    package func pushFunction(_ name: String, _ body: @escaping LuaHostFunction) {
        lb_push_function(thread, Int32(state.register(HostFunction(name: name, body: body))))
    }
}

/// A host function as the state keeps it.
struct HostFunction {
    let name: String
    let body: LuaHostFunction
}
