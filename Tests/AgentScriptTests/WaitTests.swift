import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// Calls that wait: sleep, http, flush, process; and spawn.
@Suite struct WaitTests {
    @Test("sleep waits the seconds given and goes on")
    func sleep() throws {
        let script = try TestScript.probe("agenthost.sleep(1.5) return 'awake'")
        let run = try script.task("probe")
        #expect(run.isWaiting)
        if case .sleep(let seconds)? = script.host.waits.first {
            #expect(seconds == 1.5)
        } else {
            Issue.record("no sleep")
        }
        run.resume()
        #expect(try run.results == ["awake"])
    }

    @Test("flush waits, and its failure is raised at the call")
    func flush() throws {
        let script = try TestScript.probe("local ok, message = pcall(agent.flush, agent) return ok, message")
        let run = try script.task("probe")
        if case .flush? = script.host.waits.first {} else { Issue.record("no flush") }
        run.resume(failing: "the broker is away")
        let results = try run.results
        #expect(results.first == false)
        #expect(results.last?.stringValue?.hasSuffix("the broker is away") == true)
    }

    @Test("process waits for a task of the same agent, with the payload's table")
    func process() throws {
        let script = try TestScript.probe(
            "return agent:process('other', { query = 'x', parameters = { a = 1 }, own = true })",
            top:
                "agent:task('other', function(task) return { task.type, task.query, task.parameters.a, task.priority, task.id } end)"
        )
        let run = try script.task("probe")
        guard case .task(let type, let payload)? = script.host.waits.first else {
            Issue.record("no task")
            return
        }
        #expect(type == "other")
        let function = try #require(script.generation.handlers.tasks["other"]?.function)
        let inner = script.run(function) { stack in
            do {
                try script.generation.tasks.push(payload: payload, id: "inner", type: "other", on: stack)
                return 1
            } catch {
                Issue.record(error)
                return 0
            }
        }
        #expect(try inner.results == [["other", "x", 1, 1, "inner"]])
        run.resume { stack in
            stack.push("done")
            return 1
        }
        #expect(try run.results == ["done"])
    }

    @Test("process without a payload has an empty query")
    func processWithoutPayload() throws {
        let script = try TestScript.probe("agent:process('probe')")
        _ = try script.task("probe")
        guard case .task(_, let payload)? = script.host.waits.first else {
            Issue.record("no task")
            return
        }
        let coroutine = script.generation.state.coroutine()
        try script.generation.tasks.push(payload: payload, id: "i", type: "probe", on: coroutine.stack)
        #expect(coroutine.stack.top == 1)
        #expect(coroutine.stack.value(at: 1)["query"] == "")
        coroutine.recycle()
    }

    @Test("spawn runs a function of its own with its arguments")
    func spawn() throws {
        let script = try TestScript.probe(
            "agenthost.spawn(function(a, b) agenthost.sleep(1) return a + b end, 1, 2) return 'first'")
        #expect(try script.task("probe").results == ["first"])
        try #require(script.host.spawned.count == 1)
        #expect(script.host.spawned[0].isWaiting)
        script.host.spawned[0].resume()
        #expect(try script.host.spawned[0].results == [3])
    }

    @Test(
        "a request has method, headers and body",
        arguments: [
            ("agenthost.http.get('http://h/a')", "GET", "http://h/a", nil, [], 30),
            (
                "agenthost.http.get('https://h/a', { timeout = 2.5, headers = { ['X-A'] = 'b' } })", "GET",
                "https://h/a", nil, ["X-A: b"], 2.5
            ),
            (
                "agenthost.http.post('http://h/', { json = { a = 1 } })", "POST", "http://h/", #"{"a":1}"#,
                ["Content-Type: application/json"], 30
            ),
            (
                "agenthost.http.post('http://h/', { json = 1, headers = { ['content-type'] = 'application/x+json' } })",
                "POST", "http://h/", "1", ["content-type: application/x+json"], 30
            ),
            (
                "agenthost.http.request { url = 'http://h/', method = 'put', body = 'raw' }", "PUT", "http://h/", "raw",
                [], 30
            ),
            ("agenthost.http.request { url = 'http://h/' }", "GET", "http://h/", nil, [], 30),
        ] as [(String, String, String, String?, [String], Double)])
    func request(call: String, method: String, url: String, body: String?, headers: [String], timeout: Double) throws {
        let script = try TestScript.probe("return \(call)")
        let run = try script.task("probe")
        guard case .http(let request)? = script.host.waits.first else {
            Issue.record("no request: \(run.state)")
            return
        }
        #expect(request.method == method && request.url == url && request.timeout == timeout)
        #expect(request.body.map { String(buffer: $0) } == body)
        #expect(request.headers.map { "\($0.name): \($0.value)" } == headers)
    }

    @Test("an answer has status, headers, body and, where it is JSON, json")
    func answer() throws {
        let script = try TestScript.probe(
            "local r = agenthost.http.get('http://h/') return r.status, r.headers['content-type'], r.body, r.json and r.json.a"
        )
        let run = try script.task("probe")
        try run.resume { stack in
            try stack.push(
                http: .success(
                    HTTPAnswer(
                        status: 201, headers: [(name: "Content-Type", value: "application/json; charset=utf-8")],
                        body: ByteBuffer(string: #"{"a":[1]}"#))))
        }
        #expect(try run.results == [201, "application/json; charset=utf-8", #"{"a":[1]}"#, [1]])
    }

    @Test("an answer's headers: the last by name, all of them in header_list")
    func answerHeaders() throws {
        let script = try TestScript.probe(
            "local r = agenthost.http.get('http://h/') return r.headers['set-cookie'], r.header_list")
        let run = try script.task("probe")
        try run.resume { stack in
            try stack.push(
                http: .success(
                    HTTPAnswer(
                        status: 200,
                        headers: [
                            (name: "Set-Cookie", value: "a=1"), (name: "X", value: ""),
                            (name: "Set-Cookie", value: "b=2"),
                        ], body: ByteBuffer())))
        }
        #expect(try run.results == ["b=2", [["set-cookie", "a=1"], ["x", ""], ["set-cookie", "b=2"]]])
    }

    @Test("an answer that is not what it says has no json")
    func noJSON() throws {
        let script = try TestScript.probe("local r = agenthost.http.get('http://h/') return r.json == nil, r.body")
        let run = try script.task("probe")
        try run.resume { stack in
            try stack.push(
                http: .success(
                    HTTPAnswer(
                        status: 200, headers: [(name: "content-type", value: "application/json")],
                        body: ByteBuffer(string: "{"))))
        }
        #expect(try run.results == [true, "{"])
    }

    @Test("no answer is nil and a message")
    func noAnswer() throws {
        let script = try TestScript.probe("return agenthost.http.get('http://h/')")
        let run = try script.task("probe")
        try run.resume { stack in
            try stack.push(http: .failure(DeliveryFailure("h: connection refused")))
        }
        #expect(try run.results == [.null, "h: connection refused"])
    }

    @Test(
        "a request that no client can make is nil and a message, and nothing waits",
        arguments: [
            (
                "get('http://h/', { headers = { ['a b: c'] = 'd' } })",
                #""a b: c" is no header name: letters, digits and !#$%&'*+-.^_`|~ expected"#
            ),
            (
                "get('http://h/', { headers = { [''] = 'd' } })",
                "\"\" is no header name: letters, digits and !#$%&'*+-.^_`|~ expected"
            ),
            (
                "request { url = 'http://h/', method = 'TRACE', body = 'x' }",
                "a TRACE request has no body"
            ),
            (
                "request { url = 'http://h/', method = 'trace', json = {} }",
                "a TRACE request has no body"
            ),
            (
                "request { url = 'http://h/', method = 'CONNECT' }",
                "CONNECT opens a tunnel; no request can be made with it"
            ),
        ] as [(String, String)])
    func impossibleRequests(call: String, message: String) throws {
        let script = try TestScript.probe("return agenthost.http.\(call)")
        #expect(try script.task("probe").results == [.null, .string(message)])
        #expect(script.host.waits.isEmpty)
    }

    @Test(
        "wrong arguments raise",
        arguments: [
            ("agenthost.http.get()", "bad argument 'url' to 'get' (string expected, got nothing)"),
            ("agenthost.http.get('ftp://x')", "url 'ftp://x': http:// or https:// expected"),
            ("agenthost.http.get('http://x', { url = 'y' })", "unknown option of 'get' 'url'"),
            (
                "agenthost.http.get('http://x', { timeout = 0 })",
                "timeout: more than 0 and at most 3600 seconds expected"
            ),
            ("agenthost.http.post('http://x', { jsn = 1 })", "unknown option of 'post' 'jsn' (did you mean 'json'?)"),
            ("agenthost.http.post('http://x', { json = { print } })", "json[1]"),
            ("agenthost.http.post('http://x', { body = {} })", "option of 'post' 'body': string expected, got table"),
            ("agenthost.http.request()", "bad argument 'request' to 'request' (table expected, got nothing)"),
            ("agenthost.http.request {}", "option of 'request' 'url': string expected, got nil"),
            ("agenthost.http.put('http://x')", "agenthost.http has no 'put' (known: get, post, request)"),
            ("agenthost.sleep(-1)", "bad argument 'seconds' to 'sleep' (0 or more expected)"),
            ("agenthost.sleep()", "bad argument 'seconds' to 'sleep' (number expected, got nothing)"),
            ("agenthost.sleep(0/0)", "bad argument 'seconds' to 'sleep' (0 or more expected)"),
            ("agenthost.spawn(print, table.unpack({}, 1, 300))", "agenthost.spawn: at most 250 arguments"),
            ("agenthost.spawn(1)", "bad argument 'fn' to 'spawn' (function expected, got number)"),
        ] as [(String, String)])
    func wrongArguments(call: String, complaint: String) throws {
        let message = try #require(try TestScript.failure(call))
        #expect(message.hasPrefix("agent.lua:3: \(complaint)"), "\(message)")
    }
}
