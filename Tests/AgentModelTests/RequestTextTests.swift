import AgentModel
import NIOCore
import Testing

/// What is read from a request's head and its query.
@Suite struct RequestTextTests {
    private static let head = ByteBuffer(
        string: "\r\nGET http://h/p?a=1&b HTTP/1.1\r\nHost: h\r\nX-A:  one\t \r\nx-a:two\r\nX-Empty:\r\n\r\n")

    @Test("the fields come in order, names as they were sent, values without white space around them")
    func fields() {
        var fields: [String] = []
        Self.head.withUnsafeReadableBytes { bytes in
            RequestHeadText.eachField(bytes) { name, value in
                fields.append("\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))")
            }
        }
        #expect(fields == ["Host=h", "X-A=one", "x-a=two", "X-Empty="])
        let values = Self.head.withUnsafeReadableBytes { RequestHeadText.values(of: "x-a", in: $0) }
        #expect(values == ["one", "two"])
    }

    @Test(
        "the query of the target",
        arguments: [
            ("GET /p?a=1&b HTTP/1.1\r\n\r\n", "a=1&b"), ("\r\nGET /?x?y HTTP/1.1\r\n\r\n", "x?y"),
            ("GET /p HTTP/1.1\r\nA: ?no\r\n\r\n", nil), ("GET /p? HTTP/1.1\r\n\r\n", ""), ("", nil),
        ] as [(String, String?)])
    func query(head: String, query: String?) {
        let found = ByteBuffer(string: head).withUnsafeReadableBytes { bytes in
            RequestHeadText.query(bytes).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == query)
    }

    @Test(
        "a query string is read as Python reads one, nothing of it dropped",
        arguments: [
            ("a=1&b=2", ["a=1", "b=2"]), ("a", ["a="]), ("&&a=1&", ["a=1"]), ("=1", ["=1"]), ("a==b", ["a==b"]),
            ("a=%20+%2B", ["a=  +"]), ("a=%zz%4", ["a=%zz%4"]), ("%ff=%C3%A9", ["\u{FFFD}=é"]), ("a;b=1", ["a;b=1"]),
        ] as [(String, [String])])
    func queryStrings(text: String, pairs: [String]) {
        #expect(QueryString(text).parameters.map { "\($0.name)=\($0.value)" } == pairs)
    }

    @Test("of several parameters of one name the last counts")
    func lastOfAName() {
        #expect(QueryString("a=1&a=2")["a"] == "2")
    }

    @Test("a template has the values of the parameters it names, and braces that are none stay")
    func templates() {
        let request = RequestContext(path: [("id", "{part}"), ("part", "7")])
        #expect(request.filled("device/{id}/{part}{x}/}{") == "device/{part}/7{x}/}{")
        #expect(RequestContext.none.filled("{id}") == "{id}")
    }
}
