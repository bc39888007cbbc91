package import LuaRuntime
package import NIOCore

/// Reads the arguments of a host function; every complaint names the argument.
package struct Arguments {
    package let call: LuaCall

    package var stack: LuaStack { call.stack }
    package var count: Int32 { call.argumentCount }
    private var function: String { call.name }

    package init(_ call: LuaCall) {
        self.call = call
    }

    package func wrong(_ name: String, _ expected: String, at index: Int32) -> LuaFailure {
        let got = index <= count ? stack.typeName(at: index) : "nothing"
        return LuaFailure("bad argument '\(name)' to '\(function)' (\(expected) expected, got \(got))")
    }

    package func invalid(_ name: String, _ reason: String) -> LuaFailure {
        LuaFailure("bad argument '\(name)' to '\(function)' (\(reason))")
    }

    package func isMissing(_ index: Int32) -> Bool {
        index > count || stack.type(at: index) == .nil
    }

    package func string(_ index: Int32, _ name: String) throws(LuaFailure) -> String {
        guard index <= count, let text = stack.string(at: index) else { throw wrong(name, "string", at: index) }
        // A name that is cut, or whose bytes are repaired, would be another name.
        guard !stack.isCut(at: index) else {
            let size = LuaText.size(stack.length(of: index))
            throw invalid(name, "at most \(LuaText.size(LuaText.longest)) expected, got \(size)")
        }
        guard stack.isValidUTF8(at: index) else { throw invalid(name, "text in UTF-8 expected") }
        return text
    }

    /// The bytes of a string of any length, where they are: valid during the call, as its arguments stay on the stack.
    package func bytes(_ index: Int32, _ name: String) throws(LuaFailure) -> UnsafeRawBufferPointer {
        guard index <= count, let bytes = stack.withBytes(at: index, { $0 }) else {
            throw wrong(name, "string", at: index)
        }
        return bytes
    }

    package func optionalString(_ index: Int32, _ name: String) throws(LuaFailure) -> String? {
        isMissing(index) ? nil : try string(index, name)
    }

    package func number(_ index: Int32, _ name: String) throws(LuaFailure) -> Double {
        guard index <= count, let number = stack.number(at: index) else { throw wrong(name, "number", at: index) }
        return number
    }

    package func function(_ index: Int32, _ name: String) throws(LuaFailure) -> LuaReference {
        guard index <= count, stack.type(at: index) == .function else { throw wrong(name, "function", at: index) }
        stack.pushValue(at: index)
        return stack.reference()
    }

    /// A table of named options; nil when absent.
    package func options(
        _ index: Int32, _ name: String, known: [String], instead: (String) -> String? = { _ in nil }
    ) throws(LuaFailure) -> TableReader? {
        guard !isMissing(index) else { return nil }
        guard stack.type(at: index) == .table else { throw wrong(name, "table", at: index) }
        return try TableReader(stack, at: index, what: .option(of: function), known: known, instead: instead)
    }

    /// Any value, as JSON.
    package func json(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer {
        guard index <= count else { throw wrong(name, "a value", at: index) }
        return try stack.jsonBuffer(at: index, path: name)
    }

    /// Throws where `json` would, and makes none.
    package func checkJSON(_ index: Int32, _ name: String) throws(LuaFailure) {
        guard index <= count else { throw wrong(name, "a value", at: index) }
        do throws(LuaError) { try stack.checkJSON(at: index, path: name) } catch { throw LuaFailure(error.message) }
    }

    /// Any value, as JSON in a buffer of the state.
    package func writtenJSON(_ index: Int32, _ name: StaticString) throws(LuaFailure) -> WrittenJSON {
        guard index <= count else { throw wrong("\(name)", "a value", at: index) }
        do throws(LuaError) {
            return try stack.json(at: index, path: name)
        } catch {
            throw LuaFailure(error.message)
        }
    }

    /// What travels as a message's value: a string as its own bytes, anything else as JSON; nil for `agenthost.null`.
    package func payload(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer? {
        guard index <= count, stack.type(at: index) != .nil else { throw wrong(name, "a value", at: index) }
        if stack.type(at: index) == .null { return nil }
        if let bytes = stack.withBytes(at: index, { ByteBuffer(bytes: $0) }) { return bytes }
        return try stack.jsonBuffer(at: index, path: name)
    }

    /// A JSON object: a table, or nothing.
    package func object(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer {
        if isMissing(index) { return ByteBuffer(staticString: "{}") }
        try requireObject(index, name)
        return try stack.jsonBuffer(at: index, path: name)
    }

    /// Throws where `object` would, and makes no JSON.
    package func checkObject(_ index: Int32, _ name: String) throws(LuaFailure) {
        if isMissing(index) { return }
        try requireObject(index, name)
        try checkJSON(index, name)
    }

    private func requireObject(_ index: Int32, _ name: String) throws(LuaFailure) {
        guard stack.type(at: index) == .table, !stack.isArray(at: index), stack.length(of: index) == 0 else {
            throw wrong(name, "table of named fields", at: index)
        }
    }
}
