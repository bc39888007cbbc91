import LuaRuntime
import Synchronization

/// The fields that a model has, in the order in which they are checked.
///
/// Lua holds a schema by its number; a schema lives as long as the function that checks by it, which Lua collects with
/// the model. A number leads to no more than a schema, so a script that makes one up gains nothing.
final class ModelSchema: Sendable {
    /// What messages begin with; nil for a model that a script made.
    let name: String?
    let fields: [ModelField]
    /// Whether a field must be there, so that nothing at all is not enough.
    var isRequired: Bool { fields.contains { $0.absence == .refused } }
    let number: Int64

    private struct Known {
        weak var schema: ModelSchema?
    }

    private struct Register {
        var last: Int64 = 0
        var known: [Int64: Known] = [:]
    }

    private static let register = Mutex(Register())

    init(name: String?, fields: [ModelField]) {
        self.name = name
        self.fields = fields
        number = Self.register.withLock { register in
            register.last += 1
            return register.last
        }
        Self.register.withLock { $0.known[number] = Known(schema: self) }
    }

    deinit {
        _ = Self.register.withLock { $0.known.removeValue(forKey: number) }
    }

    private static func find(_ number: Int64) -> ModelSchema? {
        register.withLock { $0.known[number]?.schema }
    }

    /// The schema of the model at the index; nil when the value is no model.
    static func find(at index: Int32, on stack: LuaStack) -> ModelSchema? {
        guard stack.type(at: index) == .table else { return nil }
        let top = stack.top
        defer { stack.setTop(top) }
        guard stack.getMetatable(of: index), stack.getField("schema", of: -1) == .integer,
            let number = stack.integer(at: -1)
        else { return nil }
        return find(number)
    }
}
