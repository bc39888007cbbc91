import LuaRuntime

/// `agenthost.log` and `print`, which is `agenthost.log.info` of its arguments.
enum LogModule: ScriptModule {
    static func install(on stack: LuaStack, in generation: Generation) {
        stack.newTable(array: 0, fields: 4)
        for level in [ScriptLogLevel.debug, .info, .warn, .error] {
            stack.setFunction(level.rawValue) { [unowned generation] (call) throws(LuaFailure) in
                let arguments = Arguments(call)
                guard call.argumentCount >= 1 else { throw arguments.wrong("message", "string", at: 1) }
                var fields: [String: String] = [:]
                if !arguments.isMissing(2) {
                    guard call.stack.type(at: 2) == .table else { throw arguments.wrong("fields", "table", at: 2) }
                    call.stack.pushNil()
                    while call.stack.next(of: 2) {
                        fields[call.stack.displayString(at: -2)] = call.stack.shown(at: -1)
                        call.stack.pop(1)
                    }
                }
                generation.host.log(level, call.stack.shown(at: 1), fields: fields, in: generation)
                return .results(0)
            }
        }
        stack.strict("agenthost.log has no")
        stack.setField("log", of: -2)

        stack.pushFunction("print") { [unowned generation] call in
            let text = (0..<call.argumentCount).map { call.stack.displayString(at: $0 + 1) }.joined(separator: "\t")
            generation.host.log(.info, text, fields: [:], in: generation)
            return .results(0)
        }
        stack.setGlobal("print")
    }
}

extension LuaStack {
    /// A value as a log line shows it: tables as JSON where they can be.
    func shown(at index: Int32) -> String {
        guard type(at: index) == .table else { return displayString(at: index) }
        return (try? withJSON(at: index, path: "value") { String(decoding: $0, as: UTF8.self) })
            ?? displayString(at: index)
    }
}
