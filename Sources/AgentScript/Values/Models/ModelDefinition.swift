import LuaRuntime

/// Reads the table that a script gives `agenthost.model`.
///
/// A field's type is a text (see `FieldTypeText`), a table of fields, a list with one type in it for a list of those,
/// or another model. A field is optional when its type's text ends with `?`, or its name does: `["location?"] = { … }`.
enum ModelDefinition {
    /// How deep types may be nested in each other: a definition can be a table that contains itself.
    static let deepest = 32

    /// What reading a field is charged, in units of 10 ns, its place in the order included; and what it takes of memory
    /// outside of Lua, in bytes, which counts as the script's.
    static let fieldUnits = 300
    static let fieldBytes = 200

    /// The fields of the table at the index, by name: Lua keeps no order of its own. `count` goes up by their number, those
    /// of inner tables included.
    static func fields(
        at index: Int32, of stack: LuaStack, path: String = "", depth: Int = 0, count: inout Int
    ) throws(LuaFailure) -> [ModelField] {
        guard depth < deepest, stack.ensure(8) else {
            throw LuaFailure("agenthost.model: field '\(path)' is nested more than \(deepest) deep")
        }
        let table = stack.absolute(index)
        var fields: [ModelField] = []
        var names: Set<String> = []
        stack.pushNil()
        while stack.next(of: table) {
            try stack.charge(Self.fieldUnits)
            count += 1
            guard stack.type(at: -2) == .string, var name = stack.string(at: -2) else {
                let place = path.isEmpty ? "" : " in '\(path)'"
                throw LuaFailure(
                    "agenthost.model: names of fields expected\(place), got \(stack.displayString(at: -2))")
            }
            guard !stack.isCut(at: -2) else {
                let size = LuaText.size(stack.length(of: -2))
                throw LuaFailure(
                    "agenthost.model: a name of at most \(LuaText.size(LuaText.longest)) expected, got \(size)")
            }
            let isMarked = name.utf8.count > 1 && name.hasSuffix("?")
            if isMarked { name.removeLast() }
            let place = path.isEmpty ? name : "\(path).\(name)"
            let (type, isOptional) = try type(at: stack.top, of: stack, path: place, depth: depth, count: &count)
            guard names.insert(name).inserted else {
                throw LuaFailure("agenthost.model: field '\(place)' is there twice, with ? and without")
            }
            fields.append(ModelField(name, type, absent: isMarked || isOptional ? .allowed : .refused))
            stack.pop(1)
        }
        try stack.charge(fields.count * 100)
        return fields.sorted { $0.name < $1.name }
    }

    private static func type(
        at index: Int32, of stack: LuaStack, path: String, depth: Int, count: inout Int
    ) throws(LuaFailure) -> (type: FieldType, isOptional: Bool) {
        switch stack.type(at: index) {
        case .string:
            try stack.charge(stack.length(of: index))
            return try FieldTypeText.read(stack.string(at: index) ?? "", of: path)
        case .table:
            if let model = ModelSchema.find(at: index, on: stack) { return (.object(model.fields), false) }
            guard stack.length(of: index) == 1, isSingle(index, of: stack) else {
                return (.object(try fields(at: index, of: stack, path: path, depth: depth + 1, count: &count)), false)
            }
            guard depth < deepest, stack.ensure(8) else {
                throw LuaFailure("agenthost.model: field '\(path)' is nested more than \(deepest) deep")
            }
            _ = stack.getIndex(1, of: index)
            let item = try type(at: stack.top, of: stack, path: "\(path)[]", depth: depth + 1, count: &count)
            stack.pop(1)
            return (.list(item.type), false)
        default:
            let expected = "a type's name or a table of fields expected"
            let rule = path.split(separator: ".").last.flatMap { Misnomer.ofModelRule(String($0)) }
            let hint = rule.map { " (\($0))" } ?? ""
            throw LuaFailure("agenthost.model: field '\(path)': \(expected), got \(stack.typeName(at: index))\(hint)")
        }
    }

    /// Whether the table has one entry.
    private static func isSingle(_ index: Int32, of stack: LuaStack) -> Bool {
        var count = 0
        stack.pushNil()
        while stack.next(of: index) {
            stack.pop(1)
            count += 1
            if count > 1 {
                stack.pop(1)
                return false
            }
        }
        return count == 1
    }
}
