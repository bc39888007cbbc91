import AgentModel
import AgentScript
import LuaRuntime

/// `agenthost.test` in a file of tests: `test(name, fn)`, `test.load`, `test.equal`, `test.error`, `test.matches`.
enum TestModule {
    /// Parts of the `agenthost` table that belong to agents.
    private static let unavailable = [
        ("agent", noAgent), ("realtime_agent", noAgent),
        ("sleep", "a test does not sleep: host:advance(seconds) moves the clock"),
        ("spawn", "a test runs by itself; spawn functions in the agent"),
        ("gather", "a test runs by itself; gather functions in the agent"),
    ]

    private static let noAgent =
        "a file of tests declares no agent, and loads one with test.load \"agent.lua\"; `agenthost check FILE` shows what an "
        + "agent has"

    static func install(in file: TestFile) {
        let stack = file.state.stack
        let top = stack.top
        stack.getGlobal("agenthost")
        for (name, message) in unavailable {
            stack.pushFunction(name) { (_) throws(LuaFailure) in throw LuaFailure(message) }
            stack.setField(name, of: -2)
        }
        for (name, message) in [
            ("http", "a test makes no requests of its own: host:request asks the agent, host:answer answers it"),
            ("store", "a test has no store of its own: host.store shows the agent's"),
        ] {
            stack.newTable()
            stack.newTable(array: 0, fields: 1)
            stack.pushFunction("__index") { (_) throws(LuaFailure) in throw LuaFailure(message) }
            stack.setField("__index", of: -2)
            stack.setMetatable(of: -2)
            stack.setField(name, of: -2)
        }
        stack.newTable(array: 0, fields: 4)
        installAssertions(in: file, on: stack)
        stack.pushFunction("load") { [unowned file] (call) throws(LuaFailure) in
            try load(Arguments(call), in: file)
        }
        stack.setField("load", of: -2)
        let names = ["load", "equal", "error", "matches"]
        stack.newTable(array: 0, fields: 3)
        stack.pushFunction("test") { [unowned file] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let name = try arguments.string(2, "name")
            let body = try arguments.function(3, "fn")
            try file.register(name, body, at: call.stack.location(level: 1))
            return .results(0)
        }
        stack.setField("__call", of: -2)
        stack.pushFunction("__index") { (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            throw LuaFailure("agenthost.test has no '\(name)'\(NameSuggestion.hint(name, among: names))")
        }
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
        stack.setField("test", of: -2)
        stack.setTop(top)
    }

    private static func load(_ arguments: Arguments, in file: TestFile) throws(LuaFailure) -> LuaOutcome {
        let path = TestPath.resolve(try arguments.string(1, "path"), in: file.directory)
        var environment: [String: String] = [:]
        if !arguments.isMissing(2) {
            let options = try arguments.fields(2, "options", known: ["env"])
            for variable in try options.texts("env") {
                environment[variable.name] = variable.value
            }
        }
        do throws(ScriptFailure) {
            let host = try file.makeHost(path, environment: environment)
            HostObject.push(host, directory: file.directory, on: arguments.stack)
            return .results(1)
        } catch {
            let place = arguments.stack.location(level: 1).map { "\n  loaded at \($0)" } ?? ""
            throw LuaFailure(error.message + place, position: false)
        }
    }

    private static func installAssertions(in file: TestFile, on stack: LuaStack) {
        stack.getGlobal("string")
        stack.getField("find", of: -1)
        let find = stack.reference()
        stack.pop(1)
        stack.pushFunction("equal") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard call.argumentCount >= 2 else { throw arguments.wrong("expected", "a value", at: 2) }
            let got = try LuaValue(at: 1, of: call.stack, name: "actual")
            let expected = try LuaValue(at: 2, of: call.stack, name: "expected")
            let note = try arguments.optionalString(3, "message").map { ": \($0)" } ?? ""
            guard got == expected else {
                throw LuaFailure("not equal\(note)\n\(Difference.text(expected: expected, got: got))")
            }
            return .results(0)
        }
        stack.setField("equal", of: -2)
        stack.pushFunction("matches") { [unowned file] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let text = try arguments.string(1, "actual")
            let pattern = try arguments.string(2, "pattern")
            let note = try arguments.optionalString(3, "message").map { ": \($0)" } ?? ""
            guard try matches(text, pattern, find, in: file) else {
                throw LuaFailure("no match\(note)\n\(mismatch(text, pattern))")
            }
            return .results(0)
        }
        stack.setField("matches", of: -2)
        stack.pushFunction("error") { [unowned file] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let function = try arguments.function(1, "fn")
            let pattern = try arguments.optionalString(2, "pattern")
            defer { call.stack.release(function) }
            do throws(LuaError) {
                try file.state.call(function)
            } catch {
                if error.kind == .budget { throw LuaFailure(error.message, position: false) }
                if let pattern, try !matches(error.message, pattern, find, in: file) {
                    throw LuaFailure("another error was raised\n\(mismatch(error.message, pattern))")
                }
                call.stack.push(error.message)
                return .results(1)
            }
            let expected = pattern.map { LuaValue.quoted(Array($0.utf8)) } ?? "an error"
            throw LuaFailure("no error was raised\n  expected  \(expected)")
        }
        stack.setField("error", of: -2)
    }

    private static func mismatch(_ text: String, _ pattern: String) -> String {
        "  expected  a match of \(LuaValue.quoted(Array(pattern.utf8)))\n  got       \(LuaValue.quoted(Array(text.utf8)))"
    }

    /// Whether Lua's own `string.find` finds the pattern.
    private static func matches(
        _ text: String, _ pattern: String, _ find: LuaReference, in file: TestFile
    ) throws(LuaFailure) -> Bool {
        let main = file.state.stack
        let top = main.top
        defer { main.setTop(top) }
        do throws(LuaError) {
            try file.state.call(
                find,
                arguments: { stack in
                    stack.push(text)
                    stack.push(pattern)
                    return 2
                }, results: 1)
        } catch {
            throw LuaFailure("pattern \"\(pattern)\": \(error.message)")
        }
        return main.type(at: -1) != .nil
    }
}
