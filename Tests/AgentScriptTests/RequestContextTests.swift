import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// What a script sees of the request behind a task.
@Suite struct RequestContextTests {
    private static let head = """
        POST /device/7?a=1&b=x+y%21&a=2&empty&%zz=%ff HTTP/1.1\r
        Host: h\r
        X-Trace: one\r
        x-trace:  two \r
        Content-Type: application/json\r
        \r

        """

    private static func result(_ body: String, context: RequestContext? = nil) throws -> [JSONValue] {
        let script = try TestScript.probe(body)
        let given = RequestContext(path: [("id", "7"), ("part", "a/b")], head: ByteBuffer(string: head))
        return try script.task("probe", input: .call(query: "q", parameters: nil), context: context ?? given).results
    }

    @Test("parameters of the path and the query, and headers in any case; of several of one name the last")
    func fields() throws {
        #expect(
            try Self.result(
                """
                return task.path, task.query_params, task.headers, task.headers["X-TRACE"], task.headers.nothing == nil
                """) == [
                    ["id": "7", "part": "a/b"], ["a": "2", "b": "x y!", "empty": "", "%zz": "\u{FFFD}"],
                    ["host": "h", "x-trace": "two", "content-type": "application/json"], "two", true,
                ])
    }

    @Test("lists have everything in order")
    func lists() throws {
        #expect(
            try Self.result("return task.query_list, task.header_list") == [
                [["a", "1"], ["b", "x y!"], ["a", "2"], ["empty", ""], ["%zz", "\u{FFFD}"]],
                [["host", "h"], ["x-trace", "one"], ["x-trace", "two"], ["content-type", "application/json"]],
            ])
    }

    @Test("a field is made once, and is nothing of a task before it is read")
    func madeOnce() throws {
        #expect(
            try Self.result(
                """
                local before = 0
                for name in pairs(task) do before = before + 1 end
                task.headers.mine = "kept"
                return before, rawequal(task.headers, task.headers), task.headers.mine, task.nothing == nil
                """) == [7, true, "kept", true])
    }

    @Test("a task without a request has them empty")
    func none() throws {
        #expect(
            try Self.result(
                "return task.path, task.query_params, task.headers, task.query_list, task.header_list",
                context: RequestContext.none)
                == [[:], [:], [:], [], []])
    }

    @Test("a task can be kept in the state, which is copied at a reload")
    func kept() throws {
        let script = try TestScript.probe("task.headers = task.headers agent.state.last = task return true")
        let context = RequestContext(path: [("id", "7")], head: ByteBuffer(string: Self.head))
        #expect(try script.task("probe", input: .call(query: "q", parameters: nil), context: context).results == [true])
        let other = try TestScript.probe("return task")
        try AgentState(of: script.generation.script).push(on: other.generation.state.stack)
        other.generation.state.stack.pop()
    }
}
