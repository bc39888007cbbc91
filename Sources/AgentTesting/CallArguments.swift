import AgentModel
import LuaRuntime
import NIOCore

/// Reads the arguments of a function of the test library; every complaint names the argument.
struct CallArguments {
    let call: LuaCall
    var stack: LuaStack { call.stack }

    func isMissing(_ index: Int32) -> Bool {
        index > call.argumentCount || stack.type(at: index) == .nil
    }

    func wrong(_ name: String, _ expected: String, at index: Int32) -> LuaFailure {
        let got = index <= call.argumentCount ? stack.typeName(at: index) : "nothing"
        return LuaFailure("bad argument '\(name)' to '\(call.name)' (\(expected) expected, got \(got))")
    }

    func invalid(_ name: String, _ reason: String) -> LuaFailure {
        LuaFailure("bad argument '\(name)' to '\(call.name)' (\(reason))")
    }

    func string(_ index: Int32, _ name: String) throws(LuaFailure) -> String {
        guard index <= call.argumentCount, let text = stack.string(at: index) else {
            throw wrong(name, "string", at: index)
        }
        return text
    }

    func optionalString(_ index: Int32, _ name: String) throws(LuaFailure) -> String? {
        isMissing(index) ? nil : try string(index, name)
    }

    func number(_ index: Int32, _ name: String) throws(LuaFailure) -> Double {
        guard index <= call.argumentCount, let number = stack.number(at: index) else {
            throw wrong(name, "number", at: index)
        }
        return number
    }

    func function(_ index: Int32, _ name: String) throws(LuaFailure) -> LuaReference {
        guard index <= call.argumentCount, stack.type(at: index) == .function else {
            throw wrong(name, "function", at: index)
        }
        stack.pushValue(at: index)
        return stack.reference()
    }

    /// What travels as a message's value: a string as its own bytes, anything else as JSON; nil for `agenthost.null`.
    func payload(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer? {
        guard !isMissing(index) else { throw wrong(name, "a value", at: index) }
        if stack.type(at: index) == .null { return nil }
        if let bytes = stack.withBytes(at: index, { ByteBuffer(bytes: $0) }) { return bytes }
        return try stack.jsonText(at: index, name: name)
    }

    /// A JSON object: a table, or nothing.
    func object(_ index: Int32, _ name: String) throws(LuaFailure) -> ByteBuffer {
        if isMissing(index) { return ByteBuffer(string: "{}") }
        guard stack.type(at: index) == .table else { throw wrong(name, "table", at: index) }
        return try stack.jsonText(at: index, name: name)
    }

    /// A table of named fields.
    func fields(_ index: Int32, _ name: String, known: [String]) throws(LuaFailure) -> NamedFields {
        guard index <= call.argumentCount, stack.type(at: index) == .table else {
            throw wrong(name, "table", at: index)
        }
        return try NamedFields(stack, at: index, of: name, known: known)
    }
}

extension LuaStack {
    func jsonText(at index: Int32, name: String) throws(LuaFailure) -> ByteBuffer {
        do {
            return try withJSON(at: index, path: name) { ByteBuffer(bytes: $0) }
        } catch {
            throw LuaFailure((error as? LuaError)?.message ?? "\(name): \(error)")
        }
    }

    /// Sets a method of the object on top of the stack.
    func setMethod(
        _ name: String, of object: String, _ body: @escaping (CallArguments) throws(LuaFailure) -> LuaOutcome
    ) {
        pushFunction(name) { (call) throws(LuaFailure) in
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .table else {
                throw LuaFailure("call it with a colon: \(object):\(name)(…)")
            }
            return try body(CallArguments(call: call))
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
            throw LuaFailure("a \(object) has no '\(name)'\(Self.hint(name, names))")
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

    static func hint(_ name: String, _ known: [String]) -> String {
        NameSuggestion.nearest(name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
    }
}
