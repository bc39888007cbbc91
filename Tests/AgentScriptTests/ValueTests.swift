import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// Host values as the script sees them: messages, events, clients; JSON; the clock and the log.
@Suite struct ValueTests {
    @Test(
        "JSON keeps its identity",
        arguments: [
            "null", "[]", "{}", "[null]", "9223372036854775807", "-9223372036854775808", "1.0", "1e300", "0.1",
            #""\u0000é😀""#,
            #"{"a":[{"b":null},[],{}],"c":false}"#, "[[],[[]]]",
        ])
    func roundTrip(json: String) throws {
        let results = try TestScript.evaluate(
            "local text = [==[\(json)]==] local value, message = agenthost.json.decode(text) return agenthost.json.encode(value), message"
        )
        let text = try #require(results.first?.stringValue)
        #expect(try JSONValue(parsing: text) == JSONValue(parsing: json))
        if !json.contains("\"") { #expect(text == json || json == "1e300") }
    }

    @Test("null and arrays are what they are")
    func nullAndArray() throws {
        #expect(
            try TestScript.evaluate(
                """
                local null, json = agenthost.null, agenthost.json
                return json.decode("null") == null, json.encode({ a = null }), json.encode(agenthost.array {}), json.encode({}),
                  json.encode(agenthost.array()), math.type(json.decode("1")), math.type(json.decode("1.0")), json.encode(null)
                """)
                == [true, #"{"a":null}"#, "[]", "{}", "[]", "integer", "float", "null"])
    }

    @Test("text that is not JSON is an expected failure", arguments: ["{", "[1,]", "", "nul", #"{"a":1}x"#, "\u{7}"])
    func wrongJSON(text: String) throws {
        let results = try TestScript.evaluate("return agenthost.json.decode([==[\(text)]==])")
        #expect(results.first == .null)
        #expect(results.last?.stringValue?.hasPrefix("invalid JSON at byte ") == true)
    }

    @Test(
        "misuse of json raises",
        arguments: [
            ("agenthost.json.decode(5)", "bad argument 'text' to 'decode' (string expected, got number)"),
            ("agenthost.json.encode()", "bad argument 'value' to 'encode' (a value expected, got nothing)"),
            ("agenthost.json.encode({ a = { b = print } })", "value.a.b"), ("agenthost.json.encode(1/0)", "value"),
            ("agenthost.json.encode({ 1, x = 2 })", "value"),
            ("agenthost.array(5)", "bad argument 'items' to 'array' (table expected, got number)"),
            ("agenthost.json.parse('1')", "agenthost.json has no 'parse' (known: decode, encode)"),
        ] as [(String, String)])
    func jsonMisuse(call: String, complaint: String) throws {
        let message = try #require(try TestScript.failure(call))
        #expect(message.hasPrefix("agent.lua:3: \(complaint)"), "\(message)")
    }

    private func handler(_ script: TestScript) throws -> HandlerTable.Message {
        try #require(script.generation.handlers.messages.first)
    }

    @Test("a Kafka message: decoded data, and the message beside it")
    func kafkaMessage() throws {
        let script = try TestScript.probe(
            "", top: "agent:on_message('t', function(data, message) return data, message end)")
        let message = TestMessage(
            source: .kafka, topic: "t", payload: #"{"a":[],"n":null}"#, key: "k",
            headers: [.init(name: "h", value: Array("v".utf8)), .init(name: "none", value: nil)], partition: 3,
            offset: 17)
        let run = try script.run(handler(script).function) {
            try $0.push(message, attempt: 2)
        }
        #expect(
            try run.results == [
                ["a": [], "n": nil],
                [
                    "topic": "t", "source": "kafka", "timestamp": 1_767_323_045_678, "attempt": 2, "partition": 3,
                    "offset": 17,
                    "key": "k", "headers": ["h": "v", "none": nil], "header_list": [["h", "v"], ["none", nil]],
                    "raw": #"{"a":[],"n":null}"#,
                ],
            ])
    }

    @Test("an MQTT message has qos and retain")
    func mqttMessage() throws {
        let script = try TestScript.probe(
            "", top: "agent:on_message('t', function(data, message) return data, message end)")
        let message = TestMessage(source: .mqtt, topic: "a/t", payload: "not JSON", qos: 1, retain: true)
        let run = try script.run(handler(script).function) {
            try $0.push(message, attempt: 1)
        }
        #expect(
            try run.results == [
                "not JSON",
                [
                    "topic": "a/t", "source": "mqtt", "timestamp": 1_767_323_045_678, "attempt": 1, "qos": 1,
                    "retain": true,
                    "raw": "not JSON",
                ],
            ])
    }

    @Test(
        "a tombstone is null, an empty payload an empty string",
        arguments: [
            (nil, "null"), ("", "string"), ("\u{FEFF}1", "string"), ("1", "number"),
        ] as [(String?, String)])
    func emptyPayload(payload: String?, kind: String) throws {
        let script = try TestScript.probe(
            "",
            top:
                "agent:on_message('t', function(data, message) return data == agenthost.null and 'null' or type(data) end)"
        )
        let message = TestMessage(source: .kafka, topic: "t", payload: payload)
        let run = try script.run(handler(script).function) {
            try $0.push(message, attempt: 1)
        }
        #expect(try run.results == [.string(kind)])
    }

    @Test("a tombstone passes through a handler as one, and an empty value, key and header as empty")
    func nullAndNothing() throws {
        let script = try TestScript.probe(
            "",
            top: """
                agent:on_message('t', function(data, message)
                  assert((message.raw == agenthost.null) == (message.offset == 1) and (data == agenthost.null) == (message.offset ~= 2))
                  assert(agent:send_kafka('out', message.raw, { key = message.key, headers = message.header_list }))
                  assert(agent:send_kafka('out', message.raw, { key = message.key, headers = message.headers }))
                end)
                """)
        let headers: [MessageHeader] = [.init(name: "empty", value: []), .init(name: "none", value: nil)]
        for (payload, key, offset) in [(nil, nil, 1), ("", "", 2), ("null", "k", 3)] as [(String?, String?, Int64)] {
            let message = TestMessage(
                source: .kafka, topic: "t", payload: payload, key: key, headers: headers, offset: offset)
            let run = try script.run(try handler(script).function) {
                try $0.push(message, attempt: 1)
            }
            _ = try run.results
            for effect in script.host.effects.suffix(2) {
                guard case .send(.kafka, let record) = effect else { throw ScriptFailure("no record") }
                #expect(record.value.map { String(buffer: $0) } == payload)
                #expect(record.key.map { String(buffer: $0) } == key)
                #expect(record.headers == headers)
            }
        }
    }

    @Test("headers of one name: all of them in order in header_list, the last by name")
    func headerList() throws {
        let script = try TestScript.probe(
            "",
            top: """
                agent:on_message('t', function(data, message)
                  agent:send_kafka('out', '', { headers = message.header_list })
                  return message.headers.a, #message.header_list, message.header_list[2][2] == '\\xff', agenthost.json.encode(message.header_list[4])
                end)
                """)
        let headers: [MessageHeader] = [
            .init(name: "a", value: [0x31]), .init(name: "a", value: [0xFF]), .init(name: "b", value: []),
            .init(name: "a", value: [0x33]),
        ]
        let message = TestMessage(source: .kafka, topic: "t", payload: "1", headers: headers)
        let run = try script.run(try handler(script).function) {
            try $0.push(message, attempt: 1)
        }
        #expect(try run.results == ["3", 4, true, #"["a","3"]"#])
        guard case .send(.kafka, let record)? = script.host.effects.last else { throw ScriptFailure("no record") }
        #expect(record.headers == headers)
    }

    @Test("an event handler gets the whole event")
    func event() throws {
        let script = try TestScript.probe("", top: "agent:on_event('*', function(event) return event end)")
        let function = try #require(script.generation.handlers.events["*"]?.first)
        let event = RealtimeEvent(
            eventID: "e", eventType: "own", sourceService: "s", sourceAgent: "a",
            data: ByteBuffer(string: #"{"x":[]}"#),
            timestamp: 0, correlationID: "c", streamID: nil, priority: 2, topic: "t")
        #expect(
            try script.run(function) { try $0.push(event) }.results == [
                [
                    "event_id": "e", "event_type": "own", "source_service": "s", "source_agent": "a", "data": ["x": []],
                    "timestamp": "1970-01-01T00:00:00.000Z", "correlation_id": "c", "priority": 2, "topic": "t",
                ]
            ])
    }

    @Test("what a handler is given satisfies the models")
    func eventAsModel() throws {
        let script = try TestScript.probe(
            "",
            top:
                "agent:on_event('*', function(event) return select(2, agenthost.models.RealtimeEvent(event)) == nil end)"
        )
        let function = try #require(script.generation.handlers.events["*"]?.first)
        let event = RealtimeEvent(
            eventID: "e", eventType: "own", sourceService: "s", data: ByteBuffer(string: "{}"), timestamp: 0)
        #expect(try script.run(function) { try $0.push(event) }.results == [true])
    }

    @Test("every event type of the contract has a constant")
    func constants() throws {
        #expect(
            try TestScript.evaluate(
                "local e = agenthost.events return e.AGENT_TASK_STARTED, e.CUSTOM_EVENT, e.DATA_PROCESSED")
                == ["agent_task_started", "custom_event", "data_processed"])
        #expect(
            try TestScript.evaluate("local n = 0 for _ in pairs(agenthost.events) do n = n + 1 end return n") == [8])
    }

    @Test("a client sends, also from a later handler, and closes")
    func client() throws {
        let script = try TestScript.probe(
            "kept:send('later', { n = 1 }) return kept.id",
            top: """
                kept = false agent:on_websocket("hi", function(payload, client)
                  kept = client
                  return client:send("t", payload), client:send("empty"), client:send_raw("text"), client:send_raw("\\xff", true),
                    client:close(), client:close(4000, "bye")
                end)
                """)
        let function = try #require(script.generation.handlers.websocket["hi"])
        let client = TestClient(id: "c1")
        let run = try script.run(function) { stack in
            try stack.push(json: ByteBuffer(string: #"{"a":1}"#))
            script.generation.requests.push(client, on: stack)
            return 2
        }
        #expect(try run.results == [true, true, true, true, true, true])
        #expect(try script.task("probe").results == ["c1"])
        #expect(
            script.host.effects.map(\.summary) == [
                #"client c1 t {"a":1}"#, "client c1 empty {}", "frame c1 false 4", "frame c1 true 1", "close c1 1000 ",
                "close c1 4000 bye", #"client c1 later {"n":1}"#,
            ])
    }

    @Test("a client has the parts of the request that opened it, in every handler, and is collected with its messages")
    func clientRequest() throws {
        let script = try TestScript(
            """
            local agent = agenthost.realtime_agent {}
            agent:on_websocket("x", function(_, client)
              return client.path.id, client.headers["X-Key"], client.query_params.a, client.subprotocol, client.send ~= nil
            end)
            """)
        let function = try #require(script.generation.handlers.websocket["x"])
        for number in 0..<500 {
            let request = RequestContext(
                path: [("id", "\(number)")],
                head: ByteBuffer(string: "GET /x?a=\(number) HTTP/1.1\r\nx-key: k\(number)\r\n\r\n"))
            // The same one with two messages.
            let client = TestClient(id: "client-\(number)", request: request, subprotocol: "v1")
            for _ in 0..<2 {
                let run = script.run(function) { stack in
                    stack.pushNil()
                    script.generation.requests.push(client, on: stack)
                    return 2
                }
                #expect(
                    try run.results == [.string("\(number)"), .string("k\(number)"), .string("\(number)"), "v1", true])
            }
        }
        #expect(script.generation.state.memoryInUse < 4 << 20)
        let plain = script.run(function) { stack in
            stack.pushNil()
            script.generation.requests.push(TestClient(id: "plain"), on: stack)
            return 2
        }
        #expect(try plain.results == [.null, .null, .null, .null, true])
    }

    @Test(
        "misuse of a client raises",
        arguments: [
            ("client.send('t', {})", "call it with a colon: client:send(…)"),
            ("client:sned('t')", "a client has no 'sned' (did you mean 'send'?)"),
            ("client:send()", "bad argument 'message_type' to 'send' (string expected, got nothing)"),
            ("client:send('t', 'x')", "bad argument 'payload' to 'send' (table of named fields expected, got string)"),
            ("client:send_raw({})", "bad argument 'data' to 'send_raw' (string expected, got table)"),
            (#"client:send_raw("\xff")"#, "bad argument 'data' to 'send_raw' (a text frame is UTF-8"),
            ("client:close(99)", "bad argument 'code' to 'close' (a close code of RFC 6455 expected"),
            ("client:close(1005)", "bad argument 'code' to 'close' (a close code of RFC 6455 expected"),
            ("client:close(1e300)", "bad argument 'code' to 'close' ("),
            ("client:close(0/0)", "bad argument 'code' to 'close' ("),
        ] as [(String, String)])
    func clientMisuse(call: String, complaint: String) throws {
        let script = try TestScript(
            "local agent = agenthost.realtime_agent {}\nagent:on_websocket('x', function(_, client)\n\(call) end)")
        let function = try #require(script.generation.handlers.websocket["x"])
        let run = script.run(function) { stack in
            stack.pushNil()
            script.generation.requests.push(TestClient(id: "c"), on: stack)
            return 2
        }
        guard case .failed(let error) = run.state else {
            Issue.record("it was taken")
            return
        }
        #expect(error.message.hasPrefix("agent.lua:3: \(complaint)"), "\(error.message)")
        #expect(script.host.effects.isEmpty)
    }

    @Test("a field of the log keeps its type: what a script made a string is one, whatever it looks like")
    func logFields() throws {
        let script = try TestScript.probe(
            #"""
            agenthost.log.info("f", { a = "007", b = "1e5", c = "true", d = 7, e = 7.0, f = 1e300, g = true, h = agenthost.null,
              i = math.maxinteger, j = 0.1 + 0.2, k = 0/0, l = math.huge, m = { n = { 1.5, "x" } }, o = "nil", p = print,
              q = ("x"):rep(9000), r = { ("x"):rep(9000) } })
            """#)
        _ = try script.task("probe")
        let values = try #require(script.host.lines.first?.values)
        #expect(values["a"] == "007" && values["b"] == "1e5" && values["c"] == "true" && values["o"] == "nil")
        #expect(values["d"] == 7 && values["e"] == .number(7) && values["f"] == .number(1e300) && values["g"] == true)
        #expect(values["h"] == .null && values["i"] == .integer(.max) && values["j"] == .number(0.1 + 0.2))
        #expect(values["l"] == "inf" && values["k"]?.stringValue?.contains("nan") == true)
        #expect(values["m"] == ["n": [1.5, "x"]] && values["p"]?.stringValue?.hasPrefix("function") == true)
        for name in ["q", "r"] { #expect(values[name]?.stringValue?.contains("… (9,00") == true) }
    }

    @Test("the log takes a level, a message and fields; print is info")
    func log() throws {
        let script = try TestScript.probe(
            """
            agenthost.log.debug("d") agenthost.log.info({ a = 1 }) agenthost.log.warn("w", { n = 1, t = { 2 }, b = false })
            agenthost.log.error(nil) print("a", 1, nil, true) print()
            """)
        #expect(try script.task("probe").results == [])
        #expect(
            script.host.lines == [
                .init(level: .debug, message: "d"), .init(level: .info, message: #"{"a":1}"#),
                .init(level: .warn, message: "w", values: ["n": 1, "t": [2], "b": false]),
                .init(level: .error, message: "nil"),
                .init(level: .info, message: "a\t1\tnil\ttrue"), .init(level: .info, message: ""),
            ])
        #expect(
            try TestScript.failure("agenthost.log.info()")
                == "agent.lua:3: bad argument 'message' to 'info' (string expected, got nothing)")
        #expect(
            try TestScript.failure("agenthost.log.info('m', 5)")
                == "agent.lua:3: bad argument 'fields' to 'info' (table expected, got number)")
        #expect(
            try TestScript.failure("agenthost.log.warning('m')")
                == "agent.lua:3: agenthost.log has no 'warning' (known: debug, error, info, warn)")
    }

    @Test("the clock and the identifiers are the host's")
    func clock() throws {
        #expect(
            try TestScript.evaluate("return agenthost.now(), agenthost.uuid()") == [
                1_767_323_045.678, "00000000-0000-4000-8000-000000000001",
            ])
    }
}
