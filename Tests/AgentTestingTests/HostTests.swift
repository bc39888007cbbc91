import AgentTesting
import Testing

/// What a test can do with its host. Each case is a file of tests that must be green.
@Suite struct HostTests {
    private func expectGreen(agent: String, tests: String) async throws {
        let folder = try TestFolder()
        try folder.write("agent.lua", agent)
        let result = try await folder.run(tests: "local host = test.load \"agent.lua\"\n" + tests)
        #expect(result.failures == "")
        #expect(result.passedCount > 0)
    }

    @Test("a handler that sleeps gets its time, and timers run when they are due")
    func clock() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.realtime_agent { name = "slow", endpoints = { { path = "/slow", task_type = "slow" } } }
                agent.state.ticks = 0
                agent:task("slow", function() local t = agenthost.now() agenthost.sleep(2.5) return agenthost.now() - t end)
                agent:every(10, function() agent.state.ticks = agent.state.ticks + 1 end)
                agent:on_message("later", function(d) agenthost.sleep(5) agent:send_kafka("out", d) end)
                """,
            tests: """
                test("a request waits for its answer", function()
                  local status, answer = host:request { path = "/slow", json = { query = "" } }
                  test.equal(status, 200)
                  assert(math.abs(answer.result - 2.5) < 0.1, answer.result)
                end)
                test("timers", function()
                  local before = host.state.ticks
                  host:advance(100)
                  assert(math.abs(host.state.ticks - before - 10) <= 1)
                end)
                test("a message is acknowledged when its handler has ended", function()
                  local done, reason = host:message("later", { a = 1 })
                  test.equal(done, nil)
                  test.matches(reason, "not acknowledged yet")
                  test.equal(host.sent.kafka["out"], {})
                  host:advance(5)
                  test.equal(host.sent.kafka["out"][1].value, { a = 1 })
                end)
                """)
    }

    @Test("answers of the script's own and files arrive as a client gets them")
    func answers() async throws {
        let folder = try TestFolder()
        try folder.write("public/index.html", "<p>home</p>")
        try folder.write("public/large.bin", String(repeating: "x", count: 1 << 20))
        try folder.write(
            "agent.lua",
            """
            local agent = agenthost.realtime_agent { name = "answers", static = { ["/app"] = "public" },
              endpoints = { { path = "/room/{id}", task_type = "room", method = "GET" } } }
            agent:task("room", function(task)
              if task.path.id == "8" then error(agenthost.answer(404, { detail = "no such room" }, { ["X-A"] = "1" })) end
              if task.path.id == "9" then error("boom") end
              return agenthost.answer(200, "<p>" .. task.path.id .. "</p>", { { "Content-Type", "text/html" }, { "Set-Cookie", "a" }, { "Set-Cookie", "b" } })
            end)
            """)
        let result = try await folder.run(
            tests: """
                local host = test.load "agent.lua"
                test("an answer", function()
                  local status, body, headers, list = host:request { path = "/room/7" }
                  test.equal(status, 200)
                  test.equal(body, "<p>7</p>")
                  test.equal(headers["content-type"], "text/html")
                  local cookies = {}
                  for _, pair in ipairs(list) do
                    if pair[1] == "set-cookie" then cookies[#cookies + 1] = pair[2] end
                  end
                  test.equal(cookies, { "a", "b" })
                end)
                test("a raised one", function()
                  local status, body, headers = host:request { path = "/room/8" }
                  test.equal(status, 404)
                  test.equal(body, { detail = "no such room" })
                  test.equal(headers["x-a"], "1")
                  test.equal(host.sent.events[#host.sent.events].data.error, "no such room")
                end)
                test("an error, whose line is in the log", function()
                  local status, body = host:request { path = "/room/9" }
                  test.equal(status, 500)
                  test.equal(body, { detail = "Agent processing failed: boom" })
                  test.matches(table.concat(host.log, " "), "agent.lua:5: boom")
                end)
                test("files", function()
                  local status, body, headers = host:request { path = "/app/" }
                  test.equal(status, 200)
                  test.equal(body, "<p>home</p>")
                  test.equal(headers["content-type"], "text/html; charset=utf-8")
                  test.equal(host:request { path = "/app/", headers = { ["If-None-Match"] = headers.etag } }, 304)
                  test.equal(host:request { path = "/app" }, 307)
                  test.equal(host:request { path = "/app/../agent.lua" }, 404)
                  test.equal(#select(2, host:request { path = "/app/large.bin" }), 1048576)
                end)
                """)
        #expect(result.failures == "")
        #expect(result.passedCount == 4)
    }

    @Test("the store is the host's, in memory, seen by the test, outlives a reload, and fails when it is told to")
    func store() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.agent { name = "keeper" }
                local store = agenthost.store
                agent:task("put", function(task) return assert(store.set(task.query, task.parameters.value)) end)
                agent:task("get", function(task) return { value = store.get(task.query) } end)
                agent:task("count", function(task) return assert(store.add("n")) end)
                agent:task("keys", function(task) return store.keys(task.query) end)
                """,
            tests: """
                test("what is set is there", function()
                  assert(host:task("put", { query = "a/1", parameters = { value = { n = 1, list = agenthost.array {} } } }))
                  assert(host:task("put", { query = "a/2", parameters = { value = "text" } }))
                  test.equal(host:task("get", { query = "a/1" }), { value = { n = 1, list = {} } })
                  test.equal(host:task("get", { query = "none" }), {})
                  test.equal(host:task("keys", { query = "a/" }), { "a/1", "a/2" })
                  test.equal(host.store, { ["a/1"] = { n = 1, list = {} }, ["a/2"] = "text" })
                end)
                test("it outlives a test and a reload, and another host has its own", function()
                  test.equal(host:task("count"), 1)
                  assert(host:reload())
                  test.equal(host:task("count"), 2)
                  test.equal(host.store["a/2"], "text")
                  test.equal(test.load("agent.lua").store, {})
                end)
                test("it fails when it is told to", function()
                  host:fail("store", "disk is full")
                  local value, message = host:task("count")
                  test.equal(value, nil)
                  test.matches(message, "disk is full")
                  test.equal(host:task("count"), 3)
                end)
                test("a test has none of its own", function()
                  test.matches(test.error(function() agenthost.store.get("a") end), "host.store shows the agent's")
                end)
                """)
    }

    @Test("two hosts of a script are two workers; gathered and spawned functions and files work as in the host")
    func workers() async throws {
        let folder = try TestFolder()
        try folder.write("greeting.txt", "hello")
        try folder.write(
            "agent.lua",
            """
            local agent = agenthost.realtime_agent { name = "several" }
            agent.state.total = 0
            agent:on_message("orders", function(order)
              agent.state.total = agent.state.total + order.amount
              agent:send_kafka("totals", { total = agent.state.total })
            end)
            agent:on_message("totals", function(data) agent.state.total = data.total end)
            agent:task("greet", function()
              local results = assert(agenthost.gather {
                function() return agenthost.file.read("greeting.txt") end,
                function() agenthost.sleep(3) return agenthost.spawn(function() return "world" end):wait() end })
              return table.concat(results, " ")
            end)
            """)
        let result = try await folder.run(
            tests: """
                test("state is a worker's own", function()
                  local one, other = test.load "agent.lua", test.load "agent.lua"
                  assert(one:message("orders", { amount = 5 }))
                  test.equal(other.state, { total = 0 })
                  for _, sent in ipairs(one.sent.kafka["totals"]) do other:message("totals", sent.value) end
                  test.equal(other.state.total, 5)
                  local copy = one.state
                  copy.total = 99
                  test.equal(one.state.total, 5)
                  one.state = copy
                  test.equal(one.state.total, 99)
                end)
                test("functions beside a handler", function()
                  test.equal(test.load("agent.lua"):task("greet"), "hello world")
                  test.equal(agenthost.file.read("greeting.txt"), "hello")
                end)
                """)
        #expect(result.failures == "" && result.passedCount == 2)
    }

    @Test("requests and WebSockets have paths with parameters, queries, headers and subprotocols")
    func requestContext() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.realtime_agent { name = "paths",
                  endpoints = { { path = "/device/{id}", task_type = "about", method = "GET" } },
                  websocket_endpoints = { { path = "/ws/{id}", subprotocols = { "v1" } } } }
                local function about(of) return { id = of.path.id, a = of.query_params.a, key = of.headers["X-Key"] } end
                agent:task("about", about)
                agent:on_websocket("about", function(_, client) client:send("about", about(client)) end)
                """,
            tests: """
                test("a request", function()
                  local status, answer = host:request { path = "/device/7?a=1", headers = { ["X-Key"] = "k" } }
                  test.equal(status, 200)
                  test.equal(answer.result, { id = "7", a = "1", key = "k" })
                  local redirected, _, headers = host:request { path = "/device/7/" }
                  test.equal(redirected, 307)
                  test.equal(headers.location, "http://agent.test/device/7")
                end)
                test("a WebSocket", function()
                  local client = host:websocket("/ws/9?a=2", { subprotocols = { "v0", "v1" }, headers = { ["x-key"] = "w" } })
                  test.equal(client.subprotocol, "v1")
                  client:send("about")
                  test.equal(client:receive("about").payload, { id = "9", a = "2", key = "w" })
                  test.equal(host:websocket("/ws/9").subprotocol, nil)
                end)
                test("a task without a request", function()
                  test.equal(host:task("about", {}), {})
                end)
                """)
    }

    @Test("messages carry their fields, and effects what was sent")
    func messagesAndEffects() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.realtime_agent { name = "echo" }
                agent:on_message("pass", function(_, m)
                  agent:send_kafka("passed", m.raw, { key = m.key, headers = m.header_list })
                end, { source = "kafka" })
                agent:on_message("in", function(data, m)
                  agent:send_kafka("out", { data = data, source = m.source, key = m.key, tag = (m.headers or {}).tag, offset = m.offset },
                    { key = m.key, headers = { h = "1" }, partition = 2 })
                end)
                agent:on_message("devices/+/up", function(data, m)
                  agent:send_mqtt("devices/x/down", { qos = m.qos, retain = m.retain, raw = m.raw }, { qos = 0, retain = true })
                end)
                agent:on_event("ping", function(e)
                  agent:emit { event_type = "pong", data = { n = e.data.n, by = e.source_service }, topic = "t" }
                  agent:broadcast("note", { a = 1 })
                  agent:publish("news", { b = 2 })
                end)
                agent:on_event("bad", function() error("no") end)
                """,
            tests: """
                test("kafka", function()
                  assert(host:message("in", { a = 1 }, { key = "k", headers = { tag = "x" } }))
                  assert(host:message("in", agenthost.null))
                  assert(host:message("in", "plain", { source = "mqtt" }))
                  local out = host.sent.kafka["out"]
                  test.equal(out[1], { key = "k", headers = { h = "1" }, partition = 2,
                    value = { data = { a = 1 }, source = "kafka", key = "k", tag = "x", offset = 0 } })
                  test.equal(out[2].value, { data = agenthost.null, source = "kafka", offset = 1 })
                  test.equal(out[3].value, { data = "plain", source = "mqtt" })
                end)
                test("null, nothing and headers of one name", function()
                  assert(host:message("pass", agenthost.null, { headers = { { "a", "1" }, { "a", "\\xff" } } }))
                  assert(host:message("pass", "null", { key = "" }))
                  local out = host.sent.kafka["passed"]
                  test.equal(out[1], { value = agenthost.null, headers = { a = "\\xff" } })
                  test.equal(out[1].raw, agenthost.null)
                  test.equal(out[1].header_list, { { "a", "1" }, { "a", "\\xff" } })
                  test.equal(out[2], { value = agenthost.null, key = "", headers = {} })
                  test.equal(out[2].raw, "null")
                end)
                test("mqtt", function()
                  assert(host:message("devices/7/up", { v = 1 }, { qos = 0, retain = true }))
                  test.equal(host.sent.mqtt["devices/x/down"], { { qos = 0, retain = true,
                    payload = { qos = 0, retain = true, raw = '{"v":1}' } } })
                end)
                test("events", function()
                  assert(host:event { event_type = "ping", data = { n = 3 }, source_service = "me" })
                  test.equal(#host.sent.events, 2)
                  local pong = host.sent.events[2]
                  test.equal(pong.event_type, "pong")
                  test.equal(pong.topic, "t")
                  test.equal(pong.data, { n = 3, by = "me" })
                  test.equal(host.sent.broadcasts, { { type = "note", payload = { a = 1 } } })
                  test.equal(host.sent.published["news"], { { b = 2 } })
                  local ok, reason = host:event { event_type = "bad" }
                  test.equal(ok, nil)
                  test.matches(reason, "agent.lua:%d+: no")
                end)
                test("effects begin anew with each test", function()
                  test.equal(host.sent.events, {})
                  test.equal(host.sent.kafka, {})
                end)
                """)
    }

    @Test("ordered failures happen, and HTTP is answered by the test")
    func faults() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.agent { name = "faults" }
                agent:task("send", function() agent:send_kafka("k", 1) agent:send_mqtt("m", 2) return { agent:flush() } end)
                agent:task("fetch", function()
                  local answer, reason = agenthost.http.post("http://api.test/x", { json = { a = 1 } })
                  return { status = answer and answer.status, json = answer and answer.json, reason = reason }
                end)
                """,
            tests: """
                test("brokers", function()
                  host:fail("mqtt", "away")
                  local result = host:task("send")
                  test.equal(#host.sent.kafka["k"], 1)
                  test.equal(host.sent.mqtt["m"], {})
                  test.equal(host:task("send"), { true })
                  host:fail("kafka", "gone", 2)
                  host:task("send")
                  host:task("send")
                  host:task("send")
                  test.equal(#host.sent.kafka["k"], 3)
                end)
                test("no network", function()
                  test.matches(host:task("fetch").reason, "host:answer")
                  test.equal(host.sent.http[1].json, { a = 1 })
                end)
                test("an answer", function()
                  host:answer { url = "http://api.test/x", method = "POST", status = 201, json = { id = 5 } }
                  test.equal(host:task("fetch"), { status = 201, json = { id = 5 } })
                  host:fail("http", "connection refused")
                  test.matches(host:task("fetch").reason, "connection refused")
                  test.equal(host:task("fetch").status, 201)
                end)
                """)
    }

    @Test("WebSocket and event stream clients go through the server's own routes")
    func clients() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.realtime_agent {
                  name = "ws",
                  websocket_endpoints = {
                    { path = "/ws/news", auto_subscribe = { "news" } },
                    { path = "/raw", on_message = function(client, data, binary) client:send_raw(data .. "!", binary) end },
                  },
                }
                agent:on_websocket("echo", function(payload, client) client:send("echoed", payload) end)
                agent:on_event("news", function(e) agent:publish("news", e.data) end)
                """,
            tests: """
                test("an enveloped client", function()
                  local client = host:websocket("/ws/news")
                  test.equal(client:receive().message_type, "connection_established")
                  test.equal(client:receive("subscription_confirmed").payload.topic, "news")
                  client:send("echo", { a = 1 })
                  test.equal(client:receive("echoed").payload, { a = 1 })
                  client:send("nonsense")
                  test.matches(client:receive("error").payload.error, "nonsense")
                  host:event { event_type = "news", data = { n = 1 } }
                  test.equal(client:receive("topic_message").payload.data, { n = 1 })
                  test.equal(client.messages, {})
                  test.error(function() client:receive("echoed") end, 'no "echoed" has come')
                  test.equal(client.closed, false)
                  client:close(1000)
                  test.equal(client.closed.code, 1000)
                  test.equal(client:send("echo"), nil)
                end)
                test("a raw client", function()
                  local client = assert(host:websocket("/raw"))
                  client:send_raw("hi")
                  test.equal({ client:receive() }, { "hi!", false })
                  client:send_raw("\\1\\255", true)
                  test.equal({ client:receive() }, { "\\1\\255!", true })
                end)
                test("a refused client", function()
                  local client, reason = host:websocket("/nowhere")
                  test.equal(client, nil)
                  test.matches(reason, "404")
                end)
                test("an event stream resumes", function()
                  local first = host:stream("/stream/topic/news")
                  host:event { event_type = "news", data = { n = 1 } }
                  local id = first:receive().id
                  host:event { event_type = "news", data = { n = 2 } }
                  local second = host:stream("/stream/topic/news", { last_event_id = id })
                  test.equal(second:receive().data.data, { n = 2 })
                  test.equal(second.events, {})
                end)
                test("clients of earlier tests are gone", function()
                  local _, health = host:request { path = "/health" }
                  test.equal(health.connections, 0)
                end)
                """)
    }

    @Test("a host is reloaded, its state is read and set, and it stops")
    func reload() async throws {
        let folder = try TestFolder()
        try folder.write(
            "one.lua",
            """
            local agent = agenthost.agent { name = "v" }
            agent.state.count = 0
            agent:task("count", function() agent.state.count = agent.state.count + 1 return agent.state.count end)
            agent:on_stop(function() agent:send_kafka("bye", agent.state.count) end)
            """)
        try folder.write(
            "two.lua",
            """
            local agent = agenthost.agent { name = "v" }
            agent:on_upgrade(function(state) state.count = state.count * 10 return state end)
            agent:task("count", function() agent.state.count = agent.state.count + 1 return agent.state.count end)
            agent:on_stop(function() agent:send_kafka("bye", agent.state.count) end)
            """)
        try folder.write("bad.lua", "syntax error here")
        let result = try await folder.run(
            tests: """
                local host = test.load "one.lua"
                test("reload", function()
                  test.equal(host:task("count"), 1)
                  host.state = { count = 4 }
                  test.equal(host:task("count"), 5)
                  local ok, reason = host:reload("bad.lua")
                  test.equal(ok, nil)
                  test.matches(reason, "^bad.lua:1:")
                  test.equal(host:task("count"), 6)
                  assert(host:reload("two.lua"))
                  test.equal(host:task("count"), 61)
                  test.error(function() host.state = 5 end, "table expected")
                  test.equal(host.sent.kafka["bye"][1].value, 6, "the version that was replaced has stopped")
                  host:stop()
                  test.equal(host.sent.kafka["bye"][2].value, 61)
                end)
                """)
        #expect(result.failures == "")
        #expect(result.passedCount == 1)
    }

    @Test("a host that a test loads for itself shows what on_start sent, and ends with the test")
    func ownHost() async throws {
        try await expectGreen(
            agent: """
                local agent = agenthost.agent { name = "starts", config = { service_name = "from-script" } }
                agent:on_start(function() agenthost.sleep(3) agent:send_kafka("hello", agent.config.service_name) end)
                """,
            tests: """
                test("on_start", function()
                  local own = test.load("agent.lua", { env = { SERVICE_NAME = "from-env" } })
                  test.equal(own.sent.kafka["hello"][1].value, "from-env")
                  test.equal(host.sent.kafka, {})
                end)
                test("a script that does not load", function()
                  test.error(function() test.load "nowhere.lua" end, "nowhere.lua: no such file")
                end)
                """)
    }

    @Test("the modules beside a test file, JSON and models can be used in it, and prints are passed on")
    func modules() async throws {
        let folder = try TestFolder()
        try folder.write("support/data.lua", "return { answer = 42 }")
        try folder.write(
            "m_test.lua",
            """
            local data = require "support.data"
            agenthost.test("modules", function()
              agenthost.test.equal(data.answer, 42)
              agenthost.test.equal(agenthost.json.decode('{"a":[]}'), { a = {} })
              assert(agenthost.models.MQTTMessage { topic = "a", payload = "x" })
              print("printed", 1)
            end)
            """)
        let lines = Lines()
        let result = await TestFolder.runner(output: { lines.append($0) }).run("\(folder.path)/m_test.lua")
        #expect(result.failures == "")
        #expect(lines.all == ["printed\t1"])
    }

    @Test("handlers that no test called are told")
    func coverage() async throws {
        let folder = try TestFolder()
        try folder.write(
            "agent.lua",
            """
            local agent = agenthost.realtime_agent { name = "c" }
            agent:task("a", function() return agent:process("inner", {}) end)
            agent:task("inner", function() return 1 end)
            agent:task("b", function() return 1 end)
            agent:on_message("in", function() agent:emit { event_type = "x" } end)
            agent:on_message("out", function() end)
            agent:on_event("x", function() end)
            agent:on_event("y", function() end)
            agent:on_websocket("w", function() end)
            """)
        let result = try await folder.run(
            tests: """
                local host = test.load "agent.lua"
                test("some", function() test.equal(host:task("a"), 1) host:message("in", 1) end)
                """)
        #expect(result.failures == "")
        let coverage = try #require(result.coverage.first)
        #expect(coverage.called == ["event x", "task a", "task inner", "topic in"])
        #expect(coverage.missed == ["event y", "task b", "topic out", "websocket w"])
        var report = TestReport(format: .text)
        _ = report.add(result)
        #expect(
            report.end().contains(
                "4 of 8 handlers called\nnever called in \(folder.path)/agent.lua: event y, task b, topic out, websocket w\n"
            ))
    }

    @Test("a part of a name chooses the tests to run")
    func filter() async throws {
        let folder = try TestFolder()
        let result = try await folder.run(
            tests: """
                test("Red apple", function() end)
                test("green pear", function() error("no") end)
                """, filter: "APPLE")
        #expect(result.tests.map(\.name) == ["Red apple"])
        #expect(result.failureCount == 0)
    }
}
