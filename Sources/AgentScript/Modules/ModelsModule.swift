import AgentModel
import LuaRuntime

/// `agenthost.models`, the models of the wire, and `agenthost.model { … }`, which makes one of a script's own.
///
/// A model is a table that can be called: `model(data)` answers a checked copy of `data` with its defaults filled in,
/// or `nil, message`, where the message lists every field that is wrong.
enum ModelsModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: Int32(ModelSchema.ofContract.count))
        for schema in ModelSchema.ofContract {
            push(schema, on: stack, for: script)
            stack.setField(schema.name ?? "", of: -2)
        }
        stack.strict("agenthost.models has no")
        stack.setField("models", of: -2)

        stack.setFunction("model") { [unowned script] (call) throws(LuaFailure) in
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .table else {
                throw Arguments(call).wrong("fields", "table", at: 1)
            }
            var count = 0
            let fields = try ModelDefinition.fields(at: 1, of: call.stack, count: &count)
            push(ModelSchema(name: nil, fields: fields), on: call.stack, for: script)
            call.stack.hold(bytes: count * ModelDefinition.fieldBytes, forMetatableOf: -1)
            return .results(1)
        }
    }

    /// Pushes the model: an empty table whose metatable checks.
    private static func push(_ schema: ModelSchema, on stack: LuaStack, for script: ScriptContext) {
        let name = schema.name ?? "model"
        stack.newTable()
        stack.newTable(array: 0, fields: 4)
        stack.push(schema.number)
        stack.setField("schema", of: -2)
        stack.pushFunction(name) { [unowned script] (call) throws(LuaFailure) in
            // The first argument is the model itself.
            guard call.argumentCount >= 2 else {
                throw LuaFailure("bad argument 'data' to '\(name)' (table expected, got nothing)")
            }
            return try check(call, by: schema, for: script)
        }
        stack.setField("__call", of: -2)
        stack.pushFunction("__index") { (call) throws(LuaFailure) in
            let example = schema.name.map { "agenthost.models.\($0)(data)" } ?? "local value, message = model(data)"
            throw LuaFailure("a model has no field '\(call.stack.displayString(at: 2))'; call it: \(example)")
        }
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
    }

    private static func check(
        _ call: LuaCall, by schema: ModelSchema, for script: ScriptContext
    ) throws(LuaFailure) -> LuaOutcome {
        var checker = ModelChecker(on: call.stack, for: script, from: .script)
        checker.push(.object(schema.fields), from: 2)
        try call.charge(0)
        if checker.issues.isEmpty { return .results(1) }
        let complaints = checker.issues.map(\.message).joined(separator: "; ")
        call.stack.pushNil()
        call.stack.push(schema.name.map { "\($0): \(complaints)" } ?? complaints)
        return .results(2)
    }
}
