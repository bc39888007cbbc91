import LuaRuntime

/// A Lua value as a test compares and shows it: numbers by their value, tables by what they hold, anything else by
/// identity.
indirect enum LuaValue {
    case `nil`
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string([UInt8])
    /// Sorted by key: numbers first, then strings, then the rest.
    case table([Field])
    /// A function, thread or userdata, as `tostring` shows it.
    case other(String)

    struct Field: Equatable {
        let key: LuaValue
        let value: LuaValue
    }

    private static let deepest = 64

    /// Reads the value at an index of a stack. Throws for tables within tables beyond 64 levels, as those that contain
    /// themselves.
    init(at index: Int32, of stack: LuaStack, name: String) throws(LuaFailure) {
        try self.init(at: index, of: stack, name: name, depth: 0)
    }

    private init(at index: Int32, of stack: LuaStack, name: String, depth: Int) throws(LuaFailure) {
        switch stack.type(at: index) {
        case .none, .nil: self = .nil
        case .null: self = .null
        case .boolean: self = .boolean(stack.boolean(at: index))
        case .integer: self = .integer(stack.integer(at: index) ?? 0)
        case .number: self = .number(stack.number(at: index) ?? 0)
        case .string: self = .string(stack.withBytes(at: index) { [UInt8]($0) } ?? [])
        case .table:
            guard depth < Self.deepest, stack.ensure(4) else {
                throw LuaFailure("\(name): tables within tables beyond \(Self.deepest) levels; does it contain itself?")
            }
            var fields: [Field] = []
            let table = stack.absolute(index)
            let top = stack.top
            stack.pushNil()
            while stack.next(of: table) {
                do throws(LuaFailure) {
                    fields.append(
                        Field(
                            key: try LuaValue(at: -2, of: stack, name: name, depth: depth + 1),
                            value: try LuaValue(at: -1, of: stack, name: name, depth: depth + 1)))
                } catch {
                    stack.setTop(top)
                    throw error
                }
                stack.pop(1)
            }
            self = .table(fields.sorted { $0.key.precedes($1.key) })
        case .function, .userdata, .thread, .lightUserdata: self = .other(stack.displayString(at: index))
        }
    }

    private var rank: Int {
        switch self {
        case .integer, .number: 0
        case .string: 1
        case .boolean: 2
        default: 3
        }
    }

    private func precedes(_ other: LuaValue) -> Bool {
        switch (self, other) {
        case (.integer(let a), .integer(let b)): a < b
        case (.integer(let a), .number(let b)): Double(a) < b
        case (.number(let a), .integer(let b)): a < Double(b)
        case (.number(let a), .number(let b)): a < b
        case (.string(let a), .string(let b)): a.lexicographicallyPrecedes(b)
        default: rank == other.rank ? text < other.text : rank < other.rank
        }
    }
}

extension LuaValue: Equatable {
    static func == (left: LuaValue, right: LuaValue) -> Bool {
        switch (left, right) {
        case (.nil, .nil), (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Int64(exactly: b) == a
        case (.string(let a), .string(let b)): a == b
        case (.table(let a), .table(let b)): a == b
        case (.other(let a), .other(let b)): a == b
        default: false
        }
    }
}
