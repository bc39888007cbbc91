import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// What `print` and `agenthost.log` show of values.
@Suite struct LogTests {
    private func lines(_ body: String) throws -> [String] {
        let script = try TestScript.probe(body)
        _ = try script.task("probe").results
        return script.host.lines.map(\.message)
    }

    @Test("print shows tables as JSON and separates several values by tabs")
    func tables() throws {
        #expect(
            try lines("print({ b = 2, a = { 1, 2.5, 'x' } }, 7, nil, agenthost.null, {}, agenthost.array {})")
                == ["{\"a\":[1,2.5,\"x\"],\"b\":2}\t7\tnil\tnull\t{}\t[]"])
        #expect(try lines("agenthost.log.info({ a = 1 })") == [#"{"a":1}"#])
    }

    @Test(
        "what JSON cannot hold is shown all the same",
        arguments: [
            ("local t = {} t.t = t print(t)", #"{"t":"<cycle>"}"#),
            ("print({ f = function() end, p = print })", #"{"f":"<function agent.lua:3>","p":"<function>"}"#),
            ("print({ c = coroutine.create(function() end) })", #"{"c":"<thread>"}"#),
            ("print({ 0/0, 1/0, -1/0 })", #"["<nan>","<inf>","<-inf>"]"#),
            ("print({ 1, nil, 3 })", #"{"1":1,"3":3}"#),
            (
                "print({ 'one', [10] = 'ten', [2.5] = 'x', name = 'n', [true] = 'yes' })",
                #"{"2.5":"x","true":"yes","1":"one","10":"ten","name":"n"}"#
            ),
            ("print({ [{}] = 1 })", #"{"<table>":1}"#),
            ("print({ [print] = { a = 1 } })", #"{"<function>":{"a":1}}"#),
            ("print({ ['\\xff'] = '\\xff' })", #"{"<bytes>":{"encoding":"base64","base64":"/w=="}}"#),
        ])
    func readable(body: String, line: String) throws {
        let shown = try lines(body)
        // Keys that are neither names nor integers have no order among themselves.
        #expect(
            shown == [line] || shown == [line.replacing(#""2.5":"x","true":"yes""#, with: #""true":"yes","2.5":"x""#)])
    }

    @Test("a table nested without end of depth is shown to where it gets too deep")
    func deep() throws {
        let shown = try lines("local t = {} for i = 1, 10000 do t = { t } end print(t)")
        #expect(shown.count == 1)
        #expect(shown[0].contains(#"["<nested too deep>"]"#))
    }

    @Test("a table that its __tostring names is shown so, and one whose __tostring fails as JSON")
    func named() throws {
        let shown = try lines(
            """
            print(setmetatable({ a = 1 }, { __tostring = function(t) return 'a is ' .. t.a end }))
            print(setmetatable({ a = 1 }, { __tostring = function() error 'no' end }))
            print(setmetatable({ a = 1 }, { __tostring = function() return 7 end }))
            print(setmetatable({ a = 1 }, { __tostring = function() agenthost.sleep(1) end }))
            """)
        #expect(shown == ["a is 1", #"{"a":1}"#, #"{"a":1}"#, #"{"a":1}"#])
    }

    @Test("a field of a line that changes its own table while it is shown does no harm")
    func changing() throws {
        let script = try TestScript.probe(
            """
            local fields = {}
            local changing = setmetatable({ a = 1 }, { __tostring = function()
              for name in pairs(fields) do fields[name] = nil end
              for i = 1, 1000 do fields['x' .. i] = i end
              return 'changed'
            end })
            for i = 1, 50 do fields['f' .. i] = changing end
            agenthost.log.info('line', fields)
            """)
        _ = try script.task("probe").results
        #expect(script.host.lines[0].fields["f1"] == #"{"a":1}"#)
    }

    @Test("a table that shares parts of itself is cut, not shown for ever")
    func shared() throws {
        var limits = LuaLimits()
        limits.slice = .milliseconds(200)
        let script = try TestScript(
            TestScript.probeSource("local t = {} for i = 1, 60 do t = { t, t } end print(t)"), limits: limits)
        let run = try script.task("probe")
        let error = #expect(throws: LuaError.self) { try run.results }
        #expect(error?.message.contains("200 ms of CPU time") == true)
    }

    @Test("a table raised as an error is told as JSON, with file and line")
    func errors() throws {
        #expect(try TestScript.failure("error { code = 7, why = 'full' }") == #"agent.lua:3: {"code":7,"why":"full"}"#)
        #expect(
            try TestScript.failure("local e = { f = print } e.e = e error(e)")
                == #"agent.lua:3: {"e":"<cycle>","f":"<function>"}"#)
    }
}
