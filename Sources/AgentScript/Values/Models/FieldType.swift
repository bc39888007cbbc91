/// What a field of a model may hold.
indirect enum FieldType: Sendable, Equatable {
    /// Anything that can be data: no function, no coroutine.
    case any
    case string
    /// A finite number, a text of one, or a truth value as 1 or 0.
    case number
    /// An integer, or whatever stands for one without a fraction; bounded where there is a range.
    case integer(ClosedRange<Int64>?)
    /// A truth value, 1 or 0, or a text such as `yes`.
    case boolean
    /// Any table, list or not.
    case table
    /// A time: any form of ISO 8601, or a number of seconds since 1970; becomes ISO 8601 in UTC with milliseconds.
    case timestamp
    /// One of these texts.
    case choice([String])
    case list(FieldType)
    /// A table whose keys are all strings.
    case map(FieldType)
    case object([ModelField])
    case union([FieldType])

    /// The names that a definition may use for the types without parts.
    static let named: [(name: String, type: FieldType)] = [
        ("any", .any), ("string", .string), ("number", .number), ("integer", .integer(nil)), ("boolean", .boolean),
        ("table", .table), ("timestamp", .timestamp),
    ]
}

extension FieldType {
    /// What a message to a script says was expected: "number or table of numbers".
    var expectation: String {
        switch self {
        case .any: "a value"
        case .string: "string"
        case .number: "number"
        case .integer(nil): "integer"
        case .integer(let range?): "integer from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "boolean"
        case .table: "table"
        case .timestamp: "time in ISO 8601"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .list(let item): "list\(item.ofMany)"
        case .map(let item): "table\(item.ofMany)"
        case .object: "table"
        case .union(let types): types.map(\.expectation).joined(separator: " or ")
        }
    }

    /// " of numbers", where the plural says something.
    private var ofMany: String {
        switch self {
        case .any: ""
        case .string, .number, .integer(nil), .boolean, .table, .object: " of \(expectation)s"
        case .timestamp: " of times"
        case .integer, .choice, .list, .map, .union: " of (\(expectation))"
        }
    }

    /// What pydantic calls a value of another type, and the noun of its message "Input should be …".
    var pydantic: (type: String, noun: String) {
        switch self {
        case .any: ("is_instance_of", "a value")
        case .string: ("string_type", "a valid string")
        case .number: ("float_type", "a valid number")
        case .integer: ("int_type", "a valid integer")
        case .boolean: ("bool_type", "a valid boolean")
        case .table, .map: ("dict_type", "a valid dictionary")
        case .timestamp: ("datetime_type", "a valid datetime")
        case .choice(let names): ("enum", Self.alternatives(names.map { "'\($0)'" }))
        case .list: ("list_type", "a valid list")
        case .object:
            ("model_attributes_type", "a valid dictionary or object to extract fields from")
        case .union(let types):
            (types.first?.pydantic.type ?? "is_instance_of", Self.alternatives(types.map(\.pydantic.noun)))
        }
    }

    /// What pydantic calls the type among the alternatives of a union.
    var pydanticLabel: String {
        switch self {
        case .any: "any"
        case .string: "str"
        case .number: "float"
        case .integer(nil): "int"
        case .integer: "constrained-int"
        case .boolean: "bool"
        case .table: "dict[any,any]"
        case .timestamp: "datetime"
        case .choice: "enum"
        case .list(let item): "list[\(item.pydanticLabel)]"
        case .map(let item): "dict[str,\(item.pydanticLabel)]"
        case .object: "model"
        case .union(let types): "union[\(types.map(\.pydanticLabel).joined(separator: ","))]"
        }
    }

    /// "a, b or c".
    private static func alternatives(_ names: [String]) -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return "\(names.dropLast().joined(separator: ", ")) or \(last)"
    }
}
