import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// A table of named fields that a test gave; a field that is not known is an error.
struct NamedFields {
    let stack: LuaStack
    private let index: Int32
    private let name: String

    init(_ stack: LuaStack, at index: Int32, of name: String, known: [String]) throws(LuaFailure) {
        self.stack = stack
        self.index = stack.absolute(index)
        self.name = name
        stack.pushNil()
        while stack.next(of: self.index) {
            stack.pop(1)
            let field = stack.displayString(at: -1)
            guard stack.type(at: -1) == .string, known.contains(field) else {
                stack.pop(1)
                let hint =
                    NameSuggestion.nearest(field, among: known).map { "did you mean '\($0)'?" }
                    ?? "known: \(known.joined(separator: ", "))"
                throw LuaFailure("unknown field '\(field)' of '\(name)' (\(hint))")
            }
        }
    }

    /// Calls `body` with the field on top of the stack, unless it is absent.
    func with<Value>(
        _ field: String, _ body: () throws(LuaFailure) -> Value
    ) throws(LuaFailure) -> Value? {
        let type = stack.getField(field, of: index)
        defer { stack.pop(1) }
        return type == .nil ? nil : try body()
    }

    func wrong(_ field: String, _ expected: String) -> LuaFailure {
        LuaFailure("field '\(field)' of '\(name)': \(expected) expected, got \(stack.typeName(at: -1))")
    }

    func string(_ field: String) throws(LuaFailure) -> String? {
        try with(field) { () throws(LuaFailure) in
            guard let text = stack.string(at: -1) else { throw wrong(field, "string") }
            return text
        }
    }

    func bytes(_ field: String) throws(LuaFailure) -> ByteBuffer? {
        try with(field) { () throws(LuaFailure) in
            guard let bytes = stack.withBytes(at: -1, { ByteBuffer(bytes: $0) }) else { throw wrong(field, "string") }
            return bytes
        }
    }

    func integer(_ field: String, in range: ClosedRange<Int64>) throws(LuaFailure) -> Int64? {
        try with(field) { () throws(LuaFailure) in
            guard let number = stack.integer(at: -1), range.contains(number) else {
                let end = range.upperBound == .max ? "" : " to \(range.upperBound)"
                throw wrong(field, "an integer from \(range.lowerBound)\(end)")
            }
            return number
        }
    }

    func boolean(_ field: String) throws(LuaFailure) -> Bool? {
        try with(field) { () throws(LuaFailure) in
            guard stack.type(at: -1) == .boolean else { throw wrong(field, "boolean") }
            return stack.boolean(at: -1)
        }
    }

    /// Any value, as JSON.
    func json(_ field: String) throws(LuaFailure) -> ByteBuffer? {
        try with(field) { () throws(LuaFailure) in try stack.jsonText(at: -1, name: field) }
    }

    /// A list of texts; empty when it is absent.
    func list(_ field: String) throws(LuaFailure) -> [String] {
        try with(field) { () throws(LuaFailure) in
            guard stack.type(at: -1) == .table else { throw wrong(field, "list of strings") }
            var texts: [String] = []
            for position in stride(from: 1, through: stack.length(of: -1), by: 1) {
                stack.getIndex(position, of: -1)
                let text = stack.string(at: -1)
                stack.pop(1)
                guard let text else { throw wrong(field, "list of strings") }
                texts.append(text)
            }
            return texts
        } ?? []
    }

    /// Headers, by name or as a list.
    func headers(_ field: String) throws(LuaFailure) -> [MessageHeader] {
        try with(field) { () throws(LuaFailure) in
            try stack.headers(at: -1, "field '\(field)' of '\(name)'")
        } ?? []
    }

    /// Headers, or other fields, that are texts.
    func texts(_ field: String) throws(LuaFailure) -> [(name: String, value: String)] {
        try headers(field).map { header in (header.name, String(decoding: header.value ?? [], as: UTF8.self)) }
    }
}
