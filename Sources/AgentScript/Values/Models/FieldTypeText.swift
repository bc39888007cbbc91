import AgentModel
import LuaRuntime

/// Reads the text of a type in a model's definition, left to right:
///
///     text         = alternatives [ "?" ]
///     alternatives = item { "|" item }
///     item         = ( name | "map<" alternatives ">" ) { "[]" }
struct FieldTypeText {
    /// The field, for messages.
    private let field: String
    private let text: String
    private var rest: Substring

    /// Each value is tried with all of them.
    private static let mostAlternatives = 32

    /// What the text means, and whether its `?` lets the field be absent.
    static func read(_ text: String, of field: String) throws(LuaFailure) -> (type: FieldType, isOptional: Bool) {
        var reader = FieldTypeText(field: field, text: text, rest: text[...])
        let type = try reader.alternatives(depth: 0)
        let isOptional = reader.take("?")
        guard reader.rest.isEmpty else { throw reader.unreadable }
        return (type, isOptional)
    }

    private mutating func alternatives(depth: Int) throws(LuaFailure) -> FieldType {
        var types = [try item(depth: depth)]
        while take("|") {
            guard types.count < Self.mostAlternatives else {
                throw failure("at most \(Self.mostAlternatives) alternatives expected")
            }
            types.append(try item(depth: depth))
        }
        return types.count == 1 ? types[0] : .union(types)
    }

    private mutating func item(depth: Int) throws(LuaFailure) -> FieldType {
        guard depth < ModelDefinition.deepest else {
            throw failure("the type '\(text)' is nested more than \(ModelDefinition.deepest) deep")
        }
        skipSpaces()
        let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        guard !name.isEmpty else { throw unreadable }
        rest.removeFirst(name.count)
        var type: FieldType
        if name == "map", take("<") {
            type = .map(try alternatives(depth: depth + 1))
            guard take(">") else { throw unreadable }
        } else if let known = FieldType.named.first(where: { $0.name == name }) {
            type = known.type
        } else {
            let names = FieldType.named.map(\.name)
            let hint =
                Misnomer.ofType(name) ?? NameSuggestion.nearest(name, among: names).map { "did you mean '\($0)'?" }
                ?? "known: \(names.joined(separator: ", ")), map<…>, …[]"
            throw failure("unknown type '\(name)' (\(hint))")
        }
        for _ in 0..<ModelDefinition.deepest where take("[]") { type = .list(type) }
        return type
    }

    private var unreadable: LuaFailure {
        let place = rest.isEmpty ? "its end" : "'\(rest)'"
        let rule = rest.first.flatMap { Misnomer.ofModelRule(String($0)) }
        return failure("the type '\(text)' cannot be read at \(place)\(rule.map { " (\($0))" } ?? "")")
    }

    private func failure(_ reason: String) -> LuaFailure {
        LuaFailure("agenthost.model: field '\(field)': \(reason)")
    }

    private mutating func take(_ mark: String) -> Bool {
        skipSpaces()
        guard rest.hasPrefix(mark) else { return false }
        rest.removeFirst(mark.count)
        return true
    }

    private mutating func skipSpaces() {
        rest = rest.drop { $0 == " " }
    }
}
