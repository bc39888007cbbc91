import AgentModel
import LuaRuntime
import NIOCore

/// Checks a table by a model's fields, straight on the Lua stack, and makes the checked copy of it.
///
/// All that is wrong is collected. Fields that the model does not name are left out of the copy, as pydantic leaves
/// them out; `agenthost.null` counts as absent where a field may be; parts of type `any` and `table` are shared, not
/// copied.
struct ModelChecker {
    /// Where what is checked comes from.
    enum Source {
        /// A script, whose empty table may be a list or not.
        case script
        /// A client's JSON, which tells `[]` from `{}`; issues keep JSON of what they complain about.
        case client
    }

    let stack: LuaStack
    private let script: ScriptContext
    private let source: Source
    private(set) var issues: [ModelIssue] = []
    /// The script's time was over before all was checked: what has been pushed is of no use.
    private(set) var isSpent = false
    /// Issues that are told; whoever sends a million of them learns no more from the rest.
    private static let mostIssues = 100
    private var path: [ModelIssue.Step] = []
    /// Bytes of JSON in the issues; once there are so many, further issues show none.
    private var shownBytes = 0
    private static let mostShownBytes = 1 << 20

    init(on stack: LuaStack, for script: ScriptContext, from source: Source) {
        self.stack = stack
        self.script = script
        self.source = source
    }

    private mutating func charge(_ units: Int) {
        do throws(LuaFailure) { try stack.charge(units) } catch { isSpent = true }
    }

    /// Pushes the checked copy of the value at the index; nil where something is wrong with the whole of it.
    mutating func push(_ type: FieldType, from index: Int32) {
        charge(20)
        guard !isSpent else { return stack.pushNil() }
        let kind = stack.type(at: index)
        switch type {
        case .any:
            switch kind {
            case .function, .userdata, .thread, .lightUserdata, .none: refuse(index, .any)
            case .null, .nil, .boolean, .integer, .number, .string, .table: stack.pushValue(at: index)
            }
        case .string: kind == .string ? stack.pushValue(at: index) : refuse(index, type)
        case .boolean: pushBoolean(from: index)
        case .table: kind == .table ? stack.pushValue(at: index) : refuse(index, type)
        case .number: pushNumber(from: index)
        case .integer(let range): pushInteger(in: range, from: index)
        case .timestamp: pushTimestamp(from: index)
        case .choice(let names): pushChoice(names, from: index)
        case .list(let item): pushList(of: item, from: index)
        case .map(let item): pushMap(of: item, from: index)
        case .object(let fields): pushObject(fields, from: index)
        case .union(let types): pushUnion(types, from: index)
        }
    }

    /// The first alternative that takes the value: those of its kind go before those that it can be converted to, as in
    /// pydantic's smart mode. When none does, a script hears of the one that was probably meant, a client of all.
    private mutating func pushUnion(_ types: [FieldType], from index: Int32) {
        let before = issues.count
        var complaints: [[ModelIssue]] = Array(repeating: [], count: types.count)
        let fitting = types.indices.filter { fits(types[$0], at: index) }
        let order = fitting + types.indices.filter { !fitting.contains($0) }
        for position in order {
            if source == .client { path.append(.alternative(types[position].pydanticLabel)) }
            push(types[position], from: index)
            if source == .client { path.removeLast() }
            guard issues.count > before else { return }
            complaints[position] = Array(issues[before...])
            issues.removeSubrange(before...)
            stack.pop(1)
        }
        if source == .client {
            issues += complaints.joined()
            stack.pushNil()
        } else if let meant = fitting.first {
            issues += complaints[meant]
            stack.pushNil()
        } else {
            refuse(index, .union(types))
        }
    }

    /// Whether the value is of the type as far as that shows without looking into it.
    private func fits(_ type: FieldType, at index: Int32) -> Bool {
        let kind = stack.type(at: index)
        switch type {
        case .any: return true
        case .string, .choice: return kind == .string
        case .boolean: return kind == .boolean
        case .number: return kind == .integer || kind == .number
        case .integer: return stack.type(at: index) != .string && stack.integer(at: index) != nil
        case .timestamp: return kind == .string || kind == .integer || kind == .number
        case .table: return kind == .table
        case .list: return kind == .table && isList(index)
        case .map, .object: return kind == .table && !isList(index)
        case .union(let types): return types.contains { fits($0, at: index) }
        }
    }

    /// Whether a table is meant as a list: it is marked as one, or has a first item. An empty one may be anything.
    private func isList(_ table: Int32) -> Bool {
        stack.isArray(at: table) || stack.length(of: table) > 0
    }

    // MARK: - Tables

    private mutating func pushObject(_ fields: [ModelField], from index: Int32) {
        guard stack.type(at: index) == .table, !isList(index), stack.ensure(8) else {
            refuse(index, .object(fields))
            return
        }
        let source = stack.absolute(index)
        stack.newTable(array: 0, fields: Int32(clamping: fields.count))
        let copy = stack.top
        for field in fields where !isSpent {
            push(field, of: source)
            stack.setField(field.name, of: copy)
        }
    }

    /// Pushes the checked copy of a field of the table at the index, its default, or nil.
    mutating func push(_ field: ModelField, of index: Int32) {
        let source = stack.absolute(index)
        path.append(.field(field.name))
        let kind = stack.getField(field.name, of: source)
        if kind == .nil || kind == .null && field.absence != .refused {
            stack.pop(1)
            pushDefault(of: field, in: source)
        } else {
            push(field.type, from: stack.top)
            stack.remove(at: -2)
        }
        path.removeLast()
    }

    private mutating func pushDefault(of field: ModelField, in source: Int32) {
        switch field.absence {
        case .refused:
            issue(.missing, input: source)
            stack.pushNil()
        case .allowed: stack.pushNil()
        case .identifier: stack.push(script.identifier())
        case .now: stack.push(Timestamp.text(script.now()))
        case .integer(let value): stack.push(value)
        case .string(let value): stack.push(value)
        case .boolean(let value): stack.push(value)
        case .emptyTable: stack.newTable()
        }
    }

    private mutating func pushList(of item: FieldType, from index: Int32) {
        guard stack.type(at: index) == .table, stack.ensure(8), hasOnlyPositions(index) else {
            refuse(index, .list(item))
            return
        }
        let source = stack.absolute(index)
        let length = stack.length(of: source)
        stack.newTable(array: Int32(clamping: length), fields: 0)
        let copy = stack.top
        stack.markArray(at: copy)
        for position in stride(from: 1, through: length, by: 1) where !isSpent {
            let kind = stack.getIndex(position, of: source)
            if Self.isTaken(kind, for: item) {
                charge(5)
            } else {
                path.append(.item(position))
                push(item, from: stack.top)
                stack.remove(at: -2)
                path.removeLast()
            }
            stack.setIndex(position, of: copy)
        }
    }

    /// Whether a value of the kind is one of the type as it is, which of a list's items nearly all are.
    private static func isTaken(_ kind: LuaType, for type: FieldType) -> Bool {
        switch (type, kind) {
        case (.string, .string), (.number, .integer), (.integer(nil), .integer), (.boolean, .boolean): true
        default: false
        }
    }

    /// Whether a table is a list: nothing in it but 1 to n.
    private mutating func hasOnlyPositions(_ index: Int32) -> Bool {
        let table = stack.absolute(index)
        if source == .client { return stack.isArray(at: table) }
        var count = 0
        stack.pushNil()
        while stack.next(of: table) {
            stack.pop(1)
            count += 1
            charge(2)
            if isSpent {
                stack.pop(1)
                return true
            }
        }
        return count == stack.length(of: table)
    }

    private mutating func pushMap(of item: FieldType, from index: Int32) {
        guard stack.type(at: index) == .table, !isList(index), stack.ensure(8) else {
            refuse(index, .map(item))
            return
        }
        let source = stack.absolute(index)
        let before = issues.count
        defer { sortIssues(from: before) }
        stack.newTable()
        let copy = stack.top
        stack.pushNil()
        while stack.next(of: source) {
            guard !isSpent else { return stack.setTop(copy) }
            let value = stack.top
            guard stack.type(at: value - 1) == .string else {
                stack.setTop(copy - 1)
                refuse(source, .map(item))
                return
            }
            if item == .any {
                push(item, from: value)
            } else {
                path.append(.field(stack.displayString(at: value - 1)))
                push(item, from: value)
                path.removeLast()
            }
            // Key and value are still needed, the key for the next step.
            stack.pushValue(at: value - 1)
            stack.insert(at: -2)
            stack.rawSet(of: copy)
            stack.pop(1)
        }
    }

    // MARK: - Complaints

    /// Lua keeps no order of keys: so that the same value is answered the same each time.
    private mutating func sortIssues(from first: Int) {
        guard issues.count - first > 1, let depth = issues[first...].map(\.path.count).min(), depth > path.count else {
            return
        }
        let place = path.count
        issues[first...].sort { one, other in
            guard case .field(let name) = one.path[place], case .field(let next) = other.path[place] else {
                return false
            }
            return name < next
        }
    }

    /// Notes a value of the wrong type and pushes nil in its place.
    mutating func refuse(_ index: Int32, _ type: FieldType) {
        let got = stack.type(at: index) == .table && isList(index) ? "list" : stack.typeName(at: index)
        refuse(index, kind: .type(type, got: got))
    }

    mutating func refuse(_ index: Int32, kind: ModelIssue.Kind) {
        issue(kind, input: index)
        stack.pushNil()
    }

    private mutating func issue(_ kind: ModelIssue.Kind, input index: Int32) {
        guard issues.count < Self.mostIssues else { return }
        // A missing field shows the object around it: a large one with many of them would fill the memory.
        let isShown = source == .client && shownBytes < Self.mostShownBytes
        let input = isShown ? stack.json(at: index) : .null
        if isShown { shownBytes += input.readableBytes }
        issues.append(ModelIssue(path: path, kind: kind, input: input))
    }

    /// A value in a message, a text in quotation marks and not at any length.
    func quoted(_ index: Int32) -> String {
        let shown = stack.displayString(at: index)
        let short = shown.count > 60 ? "\(shown.prefix(60))…" : shown
        return stack.type(at: index) == .string ? "\"\(short)\"" : short
    }
}
