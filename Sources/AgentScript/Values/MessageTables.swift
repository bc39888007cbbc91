package import LuaRuntime

/// The `message` tables of a handler that does nothing with them but read fields by their names: it cannot keep one, so that
/// the next message has the table of the one before, filled anew.
package final class MessageTables {
    private static let mostAtRest = 16
    /// Those that no message has.
    private var atRest: [LuaReference] = []
    private let fields: MessageFields

    /// nil: the handler could keep its tables, or they would keep what may be large.
    init?(showing fields: MessageFields) {
        guard !fields.isEmpty, fields.isSubset(of: .small) else { return nil }
        self.fields = fields
    }

    /// Pushes a table with whatever the message before has left in it.
    func take(on stack: LuaStack) -> LuaReference {
        if let table = atRest.popLast() {
            stack.push(table)
            return table
        }
        stack.newTable(array: 0, fields: Int32(fields.rawValue.nonzeroBitCount))
        stack.pushValue(at: -1)
        return stack.reference()
    }

    /// The handler has returned, and reads nothing any more.
    package func giveBack(_ table: LuaReference, on stack: LuaStack) {
        if atRest.count < Self.mostAtRest { atRest.append(table) } else { stack.release(table) }
    }
}
