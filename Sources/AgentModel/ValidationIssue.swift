package import NIOCore

/// One entry of FastAPI's 422 `detail` list.
package struct ValidationIssue: Sendable {
    /// A step on the way to what is wrong, from `body` on.
    package enum Step: Sendable, Equatable {
        case name(String)
        /// In a list, from 0.
        case index(Int)
    }

    /// Pydantic's name: `missing`, `string_type`, `dict_type`, …
    package var type: String
    package var location: [Step]
    package var message: String
    /// JSON of the offending input.
    package var input: ByteBuffer
    /// What `ctx` has, where pydantic gives one: `ge` and 1, `expected` and the words.
    package var context: (name: String, value: JSONValue)?

    package init(
        type: String, location: [Step], message: String, input: ByteBuffer,
        context: (name: String, value: JSONValue)? = nil
    ) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input
        self.context = context
    }
}

extension ValidationIssue.Step: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral name: String) {
        self = .name(name)
    }

    package var description: String {
        switch self {
        case .name(let name): name
        case .index(let index): String(index)
        }
    }
}
