import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// `agenthost.answer`: what a handler says in words of HTTP.
@Suite("Answers") struct AnswerTests {
    /// The answer that a handler with this text returns or raises; nil when it does neither.
    private func answer(_ body: String, top: String = "") throws -> TaskAnswer? {
        let script = try TestScript.probe(body, top: top)
        let function = try #require(script.generation.handlers.tasks["probe"]?.function)
        let (coroutine, step) = script.generation.begin(function, context: script.host) { _ in 0 }
        defer { coroutine.recycle() }
        switch step {
        case .returned(let count): return try script.generation.answer(at: -count, on: coroutine.stack)
        case .failed(let error) where error.kind == .kept:
            return try script.generation.answer(at: -1, on: coroutine.stack)
        case .failed(let error): throw error
        case .waiting, .notWaiting: return nil
        }
    }

    private func text(_ buffer: ByteBuffer?) -> String? { buffer.map { String(buffer: $0) } }

    @Test(
        "a body leaves as what it is, and its type says so",
        arguments: [
            ("200, { a = 1 }", "{\"a\":1}", "application/json"), ("200, agenthost.array {}", "[]", "application/json"),
            ("200, agenthost.null", "null", "application/json"), ("200, 1.5", "1.5", "application/json"),
            ("200, true", "true", "application/json"), ("200, 'Grüße'", "Grüße", "text/plain; charset=utf-8"),
            ("200, ''", "", "text/plain; charset=utf-8"), ("404", nil, nil), ("200, nil, {}", nil, nil),
        ] as [(String, String?, String?)])
    func bodies(arguments: String, body: String?, type: String?) throws {
        let answer = try #require(try answer("return agenthost.answer(\(arguments))"))
        #expect(text(answer.body) == body)
        #expect(answer.contentType == type)
    }

    @Test("headers are taken by name and as a list, a name may come more than once, and theirs is the content type")
    func headers() throws {
        func lines(_ headers: String) throws -> String? {
            text(try answer("return agenthost.answer(200, 'x', \(headers))")?.fields)
        }
        #expect(try lines("{ ['X-B'] = 2, ['X-A'] = 'one two' }") == "X-A: one two\r\nX-B: 2\r\n")
        #expect(try lines("{ ['Set-Cookie'] = { 'a=1', 'b=2' } }") == "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n")
        #expect(
            try lines("{ { 'Set-Cookie', 'b=2' }, { 'X-A', '1' }, { 'Set-Cookie', 'a=1' } }")
                == "Set-Cookie: b=2\r\nX-A: 1\r\nSet-Cookie: a=1\r\n")
        let page = try #require(
            try answer("return agenthost.answer(200, '<p>', { ['content-type'] = 'text/html' })"))
        #expect(text(page.fields) == "content-type: text/html\r\n")
        #expect(page.contentType == nil)
        #expect(
            try answer("return agenthost.answer(200, nil, { ['access-control-allow-origin'] = '*' })")?.namesOrigin
                == true)
    }

    @Test(
        "misuse raises with the argument's name, at the script's line",
        arguments: [
            ("", "'status' to 'answer' (an integer from 200 to 599 expected, got nil)"),
            ("199", "'status' to 'answer' (an integer from 200 to 599 expected, got 199)"),
            ("600", "expected, got 600)"), ("200.5", "expected, got 200.5)"), ("'200'", "expected, got string)"),
            ("{ status = 404 }", "expected, got table)"), ("200, print", "'body' to 'answer' (a table, a string"),
            ("204, {}", "'body' to 'answer' (an answer of status 204 has no content; leave the body out)"),
            ("304, ''", "status 304 has no content"),
            ("200, nil, 5", "'headers' to 'answer' (headers: a table by name"),
            ("200, nil, { ['a b'] = '1' }", "\"a b\" is no header name"),
            ("200, nil, { [''] = '1' }", "is no header name"),
            ("200, nil, { ['X-A'] = 'a\\r\\nSet-Cookie: b' }", "X-A: text without line breaks"),
            ("200, nil, { ['X-A'] = 'a\\nb' }", "X-A: text without"),
            ("200, nil, { ['X-A'] = 'a\\0' }", "X-A: text without"),
            ("200, nil, { ['X-A'] = agenthost.null }", "X-A: a string expected as the value, got null"),
            ("200, nil, { ['X-A'] = {} , [1] = 'x' }", "headers[1]: { name, value } expected"),
            ("200, nil, { ['X-A'] = { {} } }", "headers.X-A[1]: a string expected"),
            ("200, nil, { ['Content-Length'] = '5' }", "Content-Length is the host's to say"),
            ("200, nil, { ['transfer-encoding'] = 'chunked' }", "transfer-encoding is the host's to say"),
            ("200, nil, { CONNECTION = 'close' }", "CONNECTION is the host's to say"),
            ("200, nil, { { 'Date', 'now' } }", "Date is the host's to say"),
            ("200, nil, { { 'Content-Type', 'a/b' }, { 'content-type', 'c/d' } }", "content-type is there twice"),
            ("200, nil, { ['X-A'] = ('x'):rep(70000) }", "at most 65,536 bytes together"),
        ])
    func misuse(arguments: String, words: String) throws {
        let message = try #require(try TestScript.failure("return agenthost.answer(\(arguments))"))
        #expect(message.hasPrefix("agent.lua:3: bad argument '"))
        #expect(message.contains(words), "\(message)")
    }

    @Test(
        "raised, it arrives from wherever it was raised, and is no error of the script",
        arguments: [
            "error(agenthost.answer(404, 'x'))",
            "local function deep(n) if n == 0 then error(agenthost.answer(404, 'x'), 0) end deep(n - 1) return 1 end deep(50)",
            "local ok, e = pcall(error, agenthost.answer(404, 'x')) assert(not ok and e.status == 404) error(e)",
            "local ok, e = xpcall(function() error(agenthost.answer(404, 'x')) end, function(e) return e end) error(e)",
            "coroutine.wrap(function() coroutine.yield() error(agenthost.answer(404, 'x')) end)() error(agenthost.answer(404, 'x'))",
            "local co = coroutine.create(function() error(agenthost.answer(404, 'x')) end) error(select(2, coroutine.resume(co)))",
            "local closes <close> = setmetatable({}, { __close = function() pcall(error, 'other') end }) error(agenthost.answer(404, 'x'))",
            "table.sort({ 1, 2 }, function() error(agenthost.answer(404, 'x')) end)",
            "assert(false, agenthost.answer(404, 'x'))", "return agenthost.answer(404, 'x'), 'and more'",
        ])
    func raised(body: String) throws {
        let answer = try #require(try answer(body))
        #expect(answer.status == 404)
        #expect(text(answer.body) == "x")
    }

    @Test("nothing else is one: no table that looks like it, nor one within a result")
    func others() throws {
        #expect(try answer("return { status = 404 }") == nil)
        #expect(
            try answer("agenthost.answer(200) return setmetatable({ status = 404 }, { __metatable = false })") == nil)
        #expect(try answer("return { agenthost.answer(200) }") == nil)
        #expect(try TestScript.evaluate("return getmetatable(agenthost.answer(200))") == [false])
        #expect(
            try TestScript.failure("setmetatable(agenthost.answer(200), {})")?.contains("protected metatable") == true)
        // A table that is raised is still an error, with what it says.
        let error = try TestScript.failure("agenthost.answer(200) error({ status = 404 })")
        #expect(error?.contains("404") == true)
    }

    @Test("what it holds may be read and changed, and is checked again when it leaves")
    func changed() throws {
        let body = "local a = agenthost.answer(200, { n = 1 }, { ['X-A'] = '1' })"
        #expect(text(try answer("\(body) a.body.n = 2 a.status = 201 return a")?.body) == "{\"n\":2}")
        for (change, words) in [
            ("a.status = 99", "answer.status: an integer from 200 to 599 expected, got 99"),
            ("a.headers = { ['X-A'] = 'a\\r\\nb' }", "answer.headers: X-A: text without line breaks"),
            ("a.body.f = print", "body.f"), ("a.status = 204", "answer.body: an answer of status 204"),
        ] {
            do {
                _ = try answer("\(body) \(change) return a")
                Issue.record("\(change) was not noticed")
            } catch let error as LuaError {
                #expect(error.message.contains(words), "\(error.message)")
            }
        }
    }

    @Test("raised while a script loads, it is an error with its line")
    func loading() throws {
        let failure = try TestScript.loadFailure("error(agenthost.answer(404))")
        #expect(failure == "agent.lua:1: an HTTP answer was raised where nobody waits for one, outside of a task")
    }

    @Test("what it means where there is no HTTP")
    func meaning() throws {
        func result(_ arguments: String) throws -> String {
            switch try #require(try answer("return agenthost.answer(\(arguments))")).result {
            case .success(let json): String(buffer: json)
            case .failure(let failure): "failed: \(failure)"
            }
        }
        #expect(try result("200, { a = 1 }") == "{\"a\":1}")
        #expect(try result("201, 'a \"b\"'") == "\"a \\\"b\\\"\"")
        #expect(try result("204") == "null")
        #expect(try result("303, nil, { Location = '/x' }") == "null")
        #expect(try result("200, '[1, 2]', { ['Content-Type'] = 'application/json; charset=utf-8' }") == "[1, 2]")
        #expect(try result("200, '[1, 2', { ['Content-Type'] = 'application/json' }") == "\"[1, 2\"")
        #expect(try result("200, '[1]', { ['Content-Type'] = 'text/html' }") == "\"[1]\"")
        #expect(try result("200, '\\xff\\xfe'") == #"{"encoding":"base64","base64":"//4="}"#)
        #expect(try result("404, { detail = 'no such room' }") == "failed: no such room")
        #expect(try result("422, { detail = { 1, 2 } }") == "failed: [1,2]")
        #expect(try result("409, { reason = 'taken' }") == "failed: {\"reason\":\"taken\"}")
        #expect(try result("403, 'not you'") == "failed: not you")
        #expect(try result("503") == "failed: status 503")
        let long = try result("500, ('x'):rep(100000)")
        #expect(long.utf8.count < 8300 && long.hasSuffix("… (100000 bytes)"))
    }
}
