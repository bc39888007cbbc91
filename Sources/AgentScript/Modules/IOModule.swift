import LuaRuntime

/// `io` as the libraries of others find it: many look at `io.stdout` while they load. It reaches no file; what is written
/// to it is logged, a line each. An agent's own files have none.
enum IOModule: ScriptModule {
    private static let refusal = "an agent reaches no files or processes"

    /// What was written and is no whole line yet.
    private final class Line {
        private var begun = ""

        /// The lines that are whole now.
        func append(_ text: String) -> [Substring] {
            var lines = (begun + text).split(separator: "\n", omittingEmptySubsequences: false)
            begun = lines.popLast().map(String.init) ?? ""
            if begun.utf8.count > LuaText.longest {
                lines.append(Substring(begun))
                begun = ""
            }
            return lines
        }
    }

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 12)
        var files: [LuaReference] = []
        let output = Line()
        for (name, level, line) in [
            ("stdout", ScriptLogLevel.info, output), ("stderr", .warn, Line()), ("stdin", .info, Line()),
        ] {
            file(on: stack, level: level, line, for: script)
            stack.pushValue(at: -1)
            files.append(stack.reference())
            stack.setField(name, of: -2)
        }
        for (name, index) in [("output", 0), ("input", 2)] {
            stack.setFunction(name) { (call) throws(LuaFailure) in
                if call.argumentCount > 0, call.stack.type(at: 1) == .string {
                    throw LuaFailure("io.\(name): \(refusal)")
                }
                call.stack.push(files[index])
                return .results(1)
            }
        }
        write(on: stack, first: 1, level: .info, output, for: script) { $0.push(files[0]) }
        stack.setFunction("open") { call in
            call.stack.pushNil()
            call.stack.push("\(call.stack.displayString(at: 1)): \(refusal)")
            return .results(2)
        }
        stack.setFunction("read") { call in
            call.stack.pushNil()
            return .results(1)
        }
        stack.setFunction("type") { call in
            let isFile = files.contains { file in
                call.stack.push(file)
                defer { call.stack.pop(1) }
                return call.argumentCount > 0 && call.stack.rawEqual(1, -1)
            }
            if isFile { call.stack.push("file" as StaticString) } else { call.stack.pushNil() }
            return .results(1)
        }
        for name in ["close", "lines", "popen", "tmpfile"] { refuse(name, on: stack) }
        stack.pushValue(at: -1)
        script.kept.libraryIO = stack.reference()
        stack.setLibraryGlobal("io")
    }

    /// Pushes a table with the methods of a file.
    private static func file(
        on stack: LuaStack, level: ScriptLogLevel, _ line: Line, for script: ScriptContext
    ) {
        stack.newTable(array: 0, fields: 7)
        write(on: stack, first: 2, level: level, line, for: script) { $0.pushValue(at: 1) }
        for name in ["flush", "setvbuf"] {
            stack.setFunction(name) { call in
                call.stack.pushValue(at: 1)
                return .results(call.argumentCount > 0 ? 1 : 0)
            }
        }
        stack.setFunction("read") { call in
            call.stack.pushNil()
            return .results(1)
        }
        for name in ["close", "lines", "seek"] { refuse(name, on: stack) }
    }

    private static func write(
        on stack: LuaStack, first: Int32, level: ScriptLogLevel, _ line: Line, for script: ScriptContext,
        _ pushFile: @escaping (LuaStack) -> Void
    ) {
        stack.setFunction("write") { [unowned script] (call) throws(LuaFailure) in
            for index in stride(from: first, through: call.argumentCount, by: 1) {
                guard [.string, .integer, .number].contains(call.stack.type(at: index)) else {
                    throw LuaFailure.argument(
                        Int(index - first) + 1, "write", "string expected, got \(call.stack.typeName(at: index))")
                }
                for text in line.append(call.stack.displayString(at: index)) {
                    try call.charge(500)
                    script.log(level, LuaText.cut(String(text)))
                }
            }
            pushFile(call.stack)
            return .results(1)
        }
    }

    private static func refuse(_ name: String, on stack: LuaStack) {
        stack.setFunction(name) { (_) throws(LuaFailure) in throw LuaFailure("io.\(name): \(refusal)") }
    }
}
