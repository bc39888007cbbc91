import AgentModel
import LuaRuntime
package import NIOCore

/// Plain data between JSON and the stack.
extension LuaStack {
    /// Pushes a plain value; nil in place of a part for which the stack has no room.
    func push(_ value: JSONValue) {
        guard ensure(4) else { return setTop(top) }
        switch value {
        case .null: pushNull()
        case .bool(let value): push(value)
        case .integer(let value): push(value)
        case .number(let value): push(value)
        case .string(let value): push(value)
        case .array(let items):
            newTable(array: Int32(items.count))
            for (index, item) in items.enumerated() {
                push(item)
                setIndex(index + 1, of: -2)
            }
            markArray(at: -1)
        case .object(let object):
            newTable(array: 0, fields: Int32(object.members.count))
            for member in object.members {
                push(member.value)
                setField(member.key, of: -2)
            }
        }
    }

    /// A value as JSON; the error names the culprit below `path`.
    func jsonBuffer(at index: Int32, path: String) throws(LuaFailure) -> ByteBuffer {
        do {
            return try withJSON(at: index, path: path) { ByteBuffer(bytes: $0) }
        } catch let error as LuaError {
            throw LuaFailure(error.message)
        } catch {
            throw LuaFailure("\(path): \(error)")
        }
    }

    /// A value as JSON for an error's `input`; null where it has none.
    func json(at index: Int32) -> ByteBuffer {
        (try? withJSON(at: index, path: "input") { ByteBuffer(bytes: $0) }) ?? .null
    }
}

extension ByteBuffer {
    /// The JSON text `null`.
    package static var null: ByteBuffer { ByteBuffer(staticString: "null") }
}
