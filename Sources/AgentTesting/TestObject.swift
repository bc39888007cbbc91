import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

extension Arguments {
    /// A table of named fields.
    func fields(_ index: Int32, _ name: String, known: [String]) throws(LuaFailure) -> TableReader {
        guard !isMissing(index), stack.type(at: index) == .table else { throw wrong(name, "table", at: index) }
        return try TableReader(stack, at: index, what: "field of '\(name)'", known: known)
    }

    /// The JSON of a table of any kind, or of an empty one where there is none: a test may send what no client should.
    func document(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer {
        if isMissing(index) { return ByteBuffer(string: "{}") }
        guard stack.type(at: index) == .table else { throw wrong(name, "table", at: index) }
        return try json(index, name)
    }

    /// Answers true, or `nil, failure`.
    func done(_ failure: String?) -> LuaOutcome {
        if let failure { return .results(stack.pushFailure(failure)) }
        stack.push(true)
        return .results(1)
    }
}

extension TableReader {
    /// Headers, or other fields, that are texts.
    func texts(_ name: StaticString) throws(LuaFailure) -> [(name: String, value: String)] {
        try (headers(name) ?? []).map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) }
    }
}

/// What the objects of the test library have: methods, and fields that are read anew each time.
extension LuaStack {
    /// Sets a method of the object on top of the stack.
    func setMethod(
        _ name: String, of object: String, _ body: @escaping (Arguments) throws(LuaFailure) -> LuaOutcome
    ) {
        pushFunction(name) { (call) throws(LuaFailure) in
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .table else {
                throw LuaFailure("call it with a colon: \(object):\(name)(…)")
            }
            return try body(Arguments(call))
        }
        setField(name, of: -2)
    }

    /// Gives the object on top of the stack fields that are read anew each time, and makes any other an error that names
    /// the nearest one; `assign` takes what is assigned (the value is at 3), where that is allowed.
    func setProperties(
        of object: String, known: [String], read: @escaping (String, LuaCall) throws(LuaFailure) -> Bool,
        assign: ((String, LuaCall) throws(LuaFailure) -> Bool)? = nil
    ) {
        var names = known
        pushNil()
        while next(of: -2) {
            pop(1)
            if let name = string(at: -1) { names.append(name) }
        }
        newTable(array: 0, fields: 3)
        pushFunction("__index") { [names] (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            if try read(name, call) { return .results(1) }
            throw LuaFailure("a \(object) has no '\(name)'\(NameSuggestion.hint(name, among: names))")
        }
        setField("__index", of: -2)
        pushFunction("__newindex") { (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            if let assign, try assign(name, call) { return .results(0) }
            throw LuaFailure("'\(name)' of a \(object) cannot be set")
        }
        setField("__newindex", of: -2)
        push(false)
        setField("__metatable", of: -2)
        setMetatable(of: -2)
    }
}
