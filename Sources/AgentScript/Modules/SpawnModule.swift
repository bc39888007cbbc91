import LuaRuntime

/// `agenthost.spawn`, whose handle has one method, `handle:wait()`, and `agenthost.gather`.
enum SpawnModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("wait") { [unowned script] (call) throws(LuaFailure) in try wait(call, for: script) }
        stack.strict("a handle of agenthost.spawn has no")
        script.spawned.index = stack.reference()
        stack.setFunction("spawn") { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .function else {
                throw arguments.wrong("fn", "function", at: 1)
            }
            guard call.argumentCount - 1 <= 250 else {
                throw LuaFailure(
                    "agenthost.spawn: at most 250 arguments for the function, got \(call.argumentCount - 1)")
            }
            try script.requireRunning("agenthost.spawn")
            try script.require(.invocation)
            let spawned = script.spawned.pushHandle(on: call.stack)
            call.stack.insert(at: 1)
            script.spawn(spawned, arguments: call.argumentCount - 1, from: call.stack)
            return .results(1)
        }
        stack.setFunction("gather") { [unowned script] (call) throws(LuaFailure) in
            try gather(call, for: script)
        }
    }

    private static func wait(_ call: LuaCall, for script: ScriptContext) throws(LuaFailure) -> LuaOutcome {
        let stack = call.stack
        guard call.argumentCount >= 1, stack.type(at: 1) == .table, stack.getMetatable(of: 1) else {
            throw LuaFailure("call it with a colon: handle:wait()")
        }
        let metatable = stack.top
        guard stack.getField("spawned", of: metatable) == .integer, let identifier = stack.integer(at: -1) else {
            throw LuaFailure("call it with a colon: handle:wait()")
        }
        stack.pop()
        let spawned = script.spawned[Int(identifier)]
        guard let spawned, !spawned.hasEnded else {
            // A failure that waits to be logged has been told now.
            spawned?.isClaimed = true
            guard let count = script.spawned.pushOutcome(ofMetatableAt: metatable, on: stack) else {
                throw LuaFailure("stack overflow (too many results)")
            }
            try call.charge(Int(count))
            return .results(count)
        }
        try script.requireWaiting("handle:wait", call)
        return script.wait(.spawned(spawned))
    }

    private static func gather(_ call: LuaCall, for script: ScriptContext) throws(LuaFailure) -> LuaOutcome {
        let stack = call.stack
        let arguments = Arguments(call)
        guard call.argumentCount >= 1, stack.type(at: 1) == .table else {
            throw arguments.wrong("functions", "table", at: 1)
        }
        let length = stack.length(of: 1)
        var fields = 0
        stack.pushNil()
        while stack.next(of: 1) {
            stack.pop()
            fields += 1
            try call.charge(10)
        }
        guard fields == length else {
            throw arguments.invalid("functions", "a list of functions expected, it has other keys or holes")
        }
        for position in 0..<length {
            try call.charge(10)
            let type = stack.getIndex(position + 1, of: 1)
            let name = stack.typeName(at: -1)
            stack.pop()
            guard type == .function else {
                throw arguments.invalid("functions", "functions expected, got \(name) at [\(position + 1)]")
            }
        }
        try script.requireWaiting("agenthost.gather", call)
        try script.require(.invocation, more: length)
        guard length > 0 else {
            stack.newTable()
            stack.markArray(at: -1)
            return .results(1)
        }
        let functions = (0..<length).map { position in
            _ = stack.getIndex(position + 1, of: 1)
            return stack.reference()
        }
        return script.wait(.gather(functions))
    }
}
