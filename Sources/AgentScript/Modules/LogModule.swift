import LuaRuntime

/// `agenthost.log` and `print`, which is `agenthost.log.info` of its arguments.
enum LogModule: ScriptModule {
    /// Fields of one line that are logged; of further ones the number.
    private static let mostFields = 100

    static func install(on stack: LuaStack, in generation: Generation) {
        stack.newTable(array: 0, fields: 4)
        for level in [ScriptLogLevel.debug, .info, .warn, .error] {
            stack.setFunction(level.rawValue) { [unowned generation] (call) throws(LuaFailure) in
                let arguments = Arguments(call)
                guard call.argumentCount >= 1 else { throw arguments.wrong("message", "string", at: 1) }
                var fields: [String: String] = [:]
                if !arguments.isMissing(2) {
                    guard call.stack.type(at: 2) == .table else { throw arguments.wrong("fields", "table", at: 2) }
                    var more = 0
                    call.stack.pushNil()
                    while call.stack.next(of: 2) {
                        try call.charge(50)
                        if fields.count < mostFields {
                            fields[call.stack.displayString(at: -2)] = call.stack.shown(at: -1)
                        } else {
                            more += 1
                        }
                        call.stack.pop(1)
                    }
                    if more > 0 { fields["more_fields"] = String(more) }
                }
                generation.host.log(level, call.stack.shown(at: 1), fields: fields, in: generation)
                return .results(0)
            }
        }
        stack.strict("agenthost.log has no")
        stack.setField("log", of: -2)

        stack.pushFunction("print") { [unowned generation] (call) throws(LuaFailure) in
            var text = ""
            for index in 0..<call.argumentCount where text.utf8.count <= LuaText.longest {
                if index > 0 { text += "\t" }
                text += call.stack.displayString(at: index + 1)
            }
            generation.host.log(.info, LuaText.cut(text), fields: [:], in: generation)
            return .results(0)
        }
        stack.setGlobal("print")
    }
}

extension LuaStack {
    /// A value as a log line shows it: tables as JSON where they can be, cut as other texts are.
    func shown(at index: Int32) -> String {
        guard type(at: index) == .table else { return displayString(at: index) }
        return (try? withJSON(at: index, path: "value") { LuaText.cut($0) }) ?? displayString(at: index)
    }
}
