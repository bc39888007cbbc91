import LuaRuntime

/// Reads the table that a script gives `agenthost.model`.
///
/// A field's type is a text (see `FieldTypeText`), a table of fields, a list with one type in it for a list of those,
/// or another model. A field is optional when its type's text ends with `?`, or its name does: `["location?"] = { … }`.
enum ModelDefinition {
    /// How deep types may be nested in each other: a definition can be a table that contains itself.
    static let deepest = 32

    /// The fields of the table at the index, by name: Lua keeps no order of its own.
    static func fields(
        at index: Int32, of stack: LuaStack, path: String = "", depth: Int = 0
    ) throws(LuaFailure) -> [ModelField] {
        guard depth < deepest, stack.ensure(8) else {
            throw LuaFailure("agenthost.model: field '\(path)' is nested more than \(deepest) deep")
        }
        let table = stack.absolute(index)
        var fields: [ModelField] = []
        stack.pushNil()
        while stack.next(of: table) {
            guard stack.type(at: -2) == .string, var name = stack.string(at: -2) else {
                let place = path.isEmpty ? "" : " in '\(path)'"
                throw LuaFailure(
                    "agenthost.model: names of fields expected\(place), got \(stack.displayString(at: -2))")
            }
            let isMarked = name.count > 1 && name.hasSuffix("?")
            if isMarked { name.removeLast() }
            let place = path.isEmpty ? name : "\(path).\(name)"
            let (type, isOptional) = try type(at: stack.top, of: stack, path: place, depth: depth)
            if fields.contains(where: { $0.name == name }) {
                throw LuaFailure("agenthost.model: field '\(place)' is there twice, with ? and without")
            }
            fields.append(ModelField(name, type, absent: isMarked || isOptional ? .allowed : .refused))
            stack.pop(1)
        }
        return fields.sorted { $0.name < $1.name }
    }

    private static func type(
        at index: Int32, of stack: LuaStack, path: String, depth: Int
    ) throws(LuaFailure) -> (type: FieldType, isOptional: Bool) {
        switch stack.type(at: index) {
        case .string:
            return try FieldTypeText.read(stack.string(at: index) ?? "", of: path)
        case .table:
            if let model = ModelsModule.schema(at: index, on: stack) { return (.object(model.fields), false) }
            guard stack.length(of: index) == 1, isSingle(index, of: stack) else {
                return (.object(try fields(at: index, of: stack, path: path, depth: depth + 1)), false)
            }
            guard depth < deepest, stack.ensure(8) else {
                throw LuaFailure("agenthost.model: field '\(path)' is nested more than \(deepest) deep")
            }
            _ = stack.getIndex(1, of: index)
            let item = try type(at: stack.top, of: stack, path: "\(path)[]", depth: depth + 1)
            stack.pop(1)
            return (.list(item.type), false)
        default:
            let expected = "a type's name or a table of fields expected"
            throw LuaFailure("agenthost.model: field '\(path)': \(expected), got \(stack.typeName(at: index))")
        }
    }

    /// Whether the table has one entry.
    private static func isSingle(_ index: Int32, of stack: LuaStack) -> Bool {
        var count = 0
        stack.pushNil()
        while stack.next(of: index) {
            stack.pop(1)
            count += 1
        }
        return count == 1
    }
}
