import AgentModel
import NIOCore

/// Which part of a long list a client asks for: `?limit=&offset=`.
struct PageRequest {
    /// Why the query asks for no page, as FastAPI words it.
    struct Refusal: Error {
        let issues: [ValidationIssue]
    }

    static let maxLimit = 1000

    var limit = 100
    var offset = 0

    init() {}

    init(_ query: QueryString) throws(Refusal) {
        var issues: [ValidationIssue] = []
        limit = Self.number("limit", in: query, atMost: Self.maxLimit, &issues) ?? limit
        offset = Self.number("offset", in: query, atMost: Int(Int32.max), &issues) ?? offset
        if !issues.isEmpty { throw Refusal(issues: issues) }
    }

    private static func number(
        _ name: String, in query: QueryString, atMost bound: Int, _ issues: inout [ValidationIssue]
    ) -> Int? {
        guard let text = query[name] else { return nil }
        func refuse(_ type: String, _ message: String, _ context: (name: String, value: JSONValue)? = nil) -> Int? {
            issues.append(
                ValidationIssue(
                    type: type, location: ["query", .name(name)], message: message,
                    input: JSONValue.string(text).json(), context: context))
            return nil
        }
        guard let number = Int(text) else {
            return refuse("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        }
        if number < 0 { return refuse("greater_than_equal", "Input should be greater than or equal to 0", ("ge", 0)) }
        guard number > bound else { return number }
        let message = "Input should be less than or equal to \(bound)"
        return refuse("less_than_equal", message, ("le", .integer(Int64(bound))))
    }
}
