import AgentModel
import LuaRuntime

/// `agenthost.log` and `print`, which is `agenthost.log.info` of its arguments.
enum LogModule: ScriptModule {
    /// Fields of one line that are logged; of further ones the number.
    private static let mostFields = 100

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 4)
        for level in [ScriptLogLevel.debug, .info, .warn, .error] {
            stack.setFunction(level.rawValue) { [unowned script] (call) throws(LuaFailure) in
                let arguments = Arguments(call)
                guard call.argumentCount >= 1 else { throw arguments.wrong("message", "string", at: 1) }
                var fields: [String: JSONValue] = [:]
                if !arguments.isMissing(2) {
                    guard call.stack.type(at: 2) == .table else { throw arguments.wrong("fields", "table", at: 2) }
                    var more = 0
                    call.stack.pushNil()
                    while call.stack.next(of: 2) {
                        try call.charge(50)
                        if fields.count < mostFields {
                            // Not by its `__tostring`: a script must not run while its table is gone through.
                            fields[call.stack.displayString(at: -2)] = call.stack.logged(at: -1)
                        } else {
                            more += 1
                        }
                        call.stack.pop(1)
                    }
                    if more > 0 { fields["more_fields"] = .integer(Int64(more)) }
                }
                script.log(level, shown(call, at: 1, in: script), fields: fields)
                return .results(0)
            }
        }
        stack.strict("agenthost.log has no")
        stack.setField("log", of: -2)

        stack.pushFunction("print") { [unowned script] (call) throws(LuaFailure) in
            var text = ""
            for index in 0..<call.argumentCount where text.utf8.count <= LuaText.longest {
                if index > 0 { text += "\t" }
                text += shown(call, at: index + 1, in: script)
            }
            script.log(.info, LuaText.cut(text))
            return .results(0)
        }
        stack.setGlobal("print")
    }

    /// A value as a log line shows it: what its `__tostring` says, else a table as JSON, and never an error. Cut as other
    /// texts are.
    private static func shown(_ call: LuaCall, at index: Int32, in script: ScriptContext) -> String {
        let stack = call.stack
        let value = stack.absolute(index)
        guard stack.type(at: value) == .table else { return stack.displayString(at: value) }
        return named(call, at: value, in: script) ?? stack.shown(at: value)
    }

    /// What `__tostring` says; nil when there is none, it fails, or says something else than a string.
    private static func named(_ call: LuaCall, at value: Int32, in script: ScriptContext) -> String? {
        let stack = call.stack
        let top = stack.top
        defer { stack.setTop(top) }
        guard stack.getMetatable(of: value), stack.getField("__tostring", of: -1) == .function else { return nil }
        let function = stack.reference()
        defer { stack.release(function) }
        stack.pushValue(at: value)
        let argument = stack.reference()
        defer { stack.release(argument) }
        let main = script.state.stack
        let mainTop = main.top
        do throws(LuaError) {
            try script.state.call(
                function,
                arguments: { stack in
                    stack.push(argument)
                    return 1
                }, results: 1)
        } catch {
            return nil
        }
        defer { main.setTop(mainTop) }
        return main.string(at: -1)
    }
}

extension LuaStack {
    /// A field of a log line, in its own type: a number stays one, and a text that looks like a number a text.
    func logged(at index: Int32) -> JSONValue {
        switch type(at: index) {
        case .boolean: return .bool(boolean(at: index))
        case .null: return .null
        case .integer: return integer(at: index).map { .integer($0) } ?? .null
        case .number:
            // Neither "inf" nor "nan" is JSON.
            guard let value = number(at: index), value.isFinite else { return .string(displayString(at: index)) }
            return .number(value)
        case .table:
            // What was cut is no JSON any more.
            let text = shown(at: index)
            return (try? JSONValue(parsing: text)) ?? .string(text)
        default: return .string(shown(at: index))
        }
    }

    /// A value as a log line shows it, without metamethods: a table as JSON.
    fileprivate func shown(at index: Int32) -> String {
        (type(at: index) == .table ? shownJSON(at: index) : nil) ?? displayString(at: index)
    }
}
