import AgentModel
import AgentScript
import Glibc
import LuaRuntime
import NIOCore
import Testing

/// What host functions do for a script is charged to its budget, and its texts are cut.
@Suite struct HostWorkTests {
    private static let limits: LuaLimits = {
        var limits = LuaLimits()
        limits.slice = .milliseconds(200)
        return limits
    }()

    static let works: [String: String] = [
        "a model with very many fields":
            "local t = {} for i = 1, 100000 do t['f' .. i] = 'string' end while true do agenthost.model(t) end",
        "a model of tables that share": """
        local t = { a = 'string' } for i = 1, 30 do t = { a = t, b = t } end
        agenthost.model(t)
        """,
        "checking very many items": """
        local model = agenthost.model { items = 'number[]' }
        local items = {} for i = 1, 200000 do items[i] = i end
        while true do model { items = items } end
        """,
        "very many headers": """
        local headers = {} for i = 1, 100000 do headers['h' .. i] = 'v' end
        while true do agent:send_kafka('t', 'v', { headers = headers }) end
        """,
        "very many fields of a log line": """
        local fields = {} for i = 1, 100000 do fields['f' .. i] = 'v' end
        while true do agenthost.log.info('line', fields) end
        """,
        "long log lines": "local s = ('x'):rep(20000000) while true do agenthost.log.info(s, { field = s }) end",
        "printing very many values":
            "local t = {} for i = 1, 100000 do t[i] = 'x' end while true do print(table.unpack(t)) end",
        "digests of long strings": "local s = ('x'):rep(100000000) while true do agenthost.sha256(s) end",
        "signatures with long keys": "local s = ('x'):rep(100000000) while true do agenthost.hmac(s, s) end",
        "base64 of long strings": "local s = ('x'):rep(50000000) while true do agenthost.base64.encode(s) end",
        "reading long base64": "local s = ('xxxx'):rep(10000000) while true do agenthost.base64.decode(s) end",
        "percent-encoding long strings":
            "local s = ('/'):rep(10000000) while true do agenthost.url.decode(agenthost.url.encode(s)) end",
        "queries of very many parameters": """
        local t = {} for i = 1, 100000 do t['f' .. i] = i end
        while true do agenthost.url.query(t) end
        """,
        "publishing for nobody":
            "local s = ('x'):rep(1000) while true do agent:publish('t', { s, s, s, s, s, s, s }) end",
    ]

    @Test("host functions are stopped with their script", arguments: works.keys.sorted())
    func stopped(name: String) throws {
        let source = TestScript.probeSource(try #require(HostWorkTests.works[name]))
        let script = try TestScript(source, limits: HostWorkTests.limits)
        script.host.isHeard = false
        script.host.keepsNothing = true
        let begin = Self.cpuSeconds()
        let run = try script.task("probe")
        let time = Self.cpuSeconds() - begin
        let error = #expect(throws: LuaError.self) { try run.results }
        #expect(error?.message.contains("used more than 200 ms of CPU time") == true, "\(error?.message ?? "")")
        // The budget is 0.2 s; what is not charged never ends.
        #expect(time < 3, "took \(time) s")
    }

    /// CPU time of this thread.
    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("a model with very many fields is made")
    func largeModel() throws {
        var limits = LuaLimits()
        limits.slice = .seconds(10)
        let script = try TestScript(
            TestScript.probeSource(
                """
                local t = {} for i = 1, 20000 do t['f' .. i] = 'string?' end
                local model = agenthost.model(t)
                return model({ f7 = 'x' }).f7
                """), limits: limits)
        #expect(try script.task("probe").results == [.string("x")])
    }

    @Test("what a model takes outside of Lua counts as the script's memory")
    func modelMemory() throws {
        let script = try TestScript.probe(
            """
            local t = {} for i = 1, 1000 do t['f' .. i] = 'string' end
            local before = collectgarbage('count')
            local model = agenthost.model(t)
            return collectgarbage('count') - before > 150
            """)
        #expect(try script.task("probe").results == [.bool(true)])
    }

    @Test("log lines and their fields are cut at 8 KiB, and at most a hundred fields are logged")
    func logLines() throws {
        let script = try TestScript.probe(
            """
            local s = ('x'):rep(10000)
            agenthost.log.info(s, { [s] = 1, long = s, table = { s } })
            print(s, s)
            local fields = {} for i = 1, 1000 do fields['f' .. i] = i end
            agenthost.log.info('many', fields)
            """)
        _ = try script.task("probe")
        let lines = script.host.lines
        #expect(lines[0].message.hasSuffix("xxx… (10,000 bytes)"))
        #expect(lines[0].fields["long"] == lines[0].message)
        #expect(lines[0].fields["table"]?.hasSuffix("xxx… (10,004 bytes)") == true)
        #expect(lines[0].fields.keys.allSatisfy { $0.utf8.count < 8300 })
        #expect(lines[1].message.utf8.count < 8300)
        #expect(lines[2].fields.count == 101 && lines[2].fields["more_fields"] == "900")
    }

    @Test(
        "a name that is too long is refused, with its length",
        arguments: [
            "agent:publish(s, {})", "agent:emit { event_type = s }", "agent:emit { event_type = 'e', topic = s }",
            "agent:broadcast(s, {})", "agent:send_mqtt(s, 'x')", "agent:send_to_client(s, 'm', {})",
            "agenthost.http.get('http://' .. s)", "agenthost.secrets(s)",
            "agent:send_kafka('t', 'v', { headers = { [s] = 'v' } })",
        ])
    func names(call: String) throws {
        let script = try TestScript.probe("local s = ('x'):rep(1000000) \(call)")
        let run = try script.task("probe")
        let error = try #require(throws: LuaError.self) { try run.results }.message
        #expect(
            error.contains("8,192 bytes expected, got 1,000,0") && error.utf8.count < 300, "\(error.prefix(300))")
    }
}
