import AgentModel
import NIOCore

/// The bodies of refusals, as FastAPI words them.
enum ErrorBody {
    static func detail(_ text: String) -> ByteBuffer {
        JSONValue.object(["detail": .string(text)]).json()
    }

    /// 422: `{"detail":[{"type","loc","msg","input","ctx"}]}`.
    static func invalid(_ issues: [ValidationIssue]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{\"detail\":[")
        for (position, issue) in issues.enumerated() {
            buffer.writeStaticString(position == 0 ? "{\"type\":" : ",{\"type\":")
            buffer.writeJSONString(issue.type)
            buffer.writeStaticString(",\"loc\":")
            buffer.writeJSON(.array(issue.location.map(\.json)))
            buffer.writeStaticString(",\"msg\":")
            buffer.writeJSONString(issue.message)
            buffer.writeStaticString(",\"input\":")
            if issue.input.readableBytes > 0 {
                buffer.writeImmutableBuffer(issue.input)
            } else {
                buffer.writeStaticString("null")
            }
            if let (name, value) = issue.context {
                buffer.writeStaticString(",\"ctx\":")
                buffer.writeJSON([name: value])
            }
            buffer.writeStaticString("}")
        }
        buffer.writeStaticString("]}")
        return buffer
    }

    /// 422 for a body that is not JSON. `offset` is in bytes; as with FastAPI, `loc` tells it in characters.
    static func invalidJSON(_ message: String, offset: Int, in body: ByteBuffer) -> ByteBuffer {
        let position = body.readableBytesView.prefix(offset).reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        return JSONValue.object([
            "detail": [
                [
                    "type": "json_invalid", "loc": ["body", .integer(Int64(position))], "msg": "JSON decode error",
                    "input": [:], "ctx": ["error": .string(message)],
                ]
            ]
        ]).json()
    }

    /// A body that had to be an object.
    static func notAnObject(_ body: ByteBuffer) -> ByteBuffer {
        invalid([
            ValidationIssue(
                type: "dict_type", location: ["body"], message: "Input should be a valid dictionary", input: body)
        ])
    }

    static var missingBody: ByteBuffer {
        invalid([ValidationIssue(type: "missing", location: ["body"], message: "Field required", input: ByteBuffer())])
    }
}

extension ValidationIssue.Step {
    fileprivate var json: JSONValue {
        switch self {
        case .name(let name): .string(name)
        case .index(let index): .integer(Int64(index))
        }
    }
}
