import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// What a script sends, and the errors of its arguments.
@Suite struct EffectTests {
    private func effects(_ body: String) throws -> (effects: [Effect], results: [JSONValue]) {
        let script = try TestScript.probe(body)
        let results = try script.task("probe").results
        return (script.host.effects, results)
    }

    private func kafka(_ body: String) throws -> Record {
        guard case .send(.kafka, let record)? = try effects(body).effects.first else {
            throw ScriptFailure("no Kafka record")
        }
        return record
    }

    private func mqtt(_ body: String) throws -> Record {
        guard case .send(.mqtt, let publication)? = try effects(body).effects.first else {
            throw ScriptFailure("no publication")
        }
        return publication
    }

    private func event(_ body: String) throws -> RealtimeEvent {
        guard case .event(let event)? = try effects(body).effects.first else { throw ScriptFailure("no event") }
        return event
    }

    @Test("a Kafka record carries value, key, headers and partition")
    func kafkaRecord() throws {
        let record = try kafka(
            "return agent:send_kafka('t.a', { n = 1 }, { key = 'k', headers = { b = 'x', a = 1, c = agenthost.null }, partition = 3 })"
        )
        #expect(record.topic == "t.a" && record.integer("partition") == 3)
        #expect(record.value.map { String(buffer: $0) } == #"{"n":1}"#)
        #expect(record.key.map { String(buffer: $0) } == "k")
        #expect(
            record.headers == [
                .init(name: "a", value: Array("1".utf8)), .init(name: "b", value: Array("x".utf8)),
                .init(name: "c", value: nil),
            ])
    }

    @Test(
        "a Kafka value: a string as its bytes, null as a tombstone, anything else as JSON",
        arguments: [
            ("'plain'", "plain"), (#"'\xff\0'"#, nil), ("agenthost.null", nil), ("42", "42"), ("true", "true"),
            ("agenthost.array {}", "[]"),
            ("{}", "{}"), ("1.0", "1.0"),
        ] as [(String, String?)])
    func kafkaValue(value: String, text: String?) throws {
        let record = try kafka("agent:send_kafka('t', \(value))")
        if value.contains("xff") {
            #expect(record.value.map { Array($0.readableBytesView) } == [0xFF, 0])
        } else {
            #expect(record.value.map { String(buffer: $0) } == text)
        }
        #expect(record.key == nil && record.headers.isEmpty && record.integer("partition") == nil)
    }

    @Test("headers are taken as a list too: in order, a name more than once, null for none")
    func headerList() throws {
        let record = try kafka(
            "agent:send_kafka('t', 1, { headers = { { 'b', 2 }, { 'a', '\\xff' }, { 'b', agenthost.null }, { 'b', '' } } })"
        )
        #expect(
            record.headers == [
                .init(name: "b", value: Array("2".utf8)), .init(name: "a", value: [0xFF]),
                .init(name: "b", value: nil), .init(name: "b", value: []),
            ])
    }

    @Test("a number is a key too")
    func numberKey() throws {
        #expect(try kafka("agent:send_kafka('t', 1, { key = 17 })").key.map { String(buffer: $0) } == "17")
        #expect(try kafka("agent:send_kafka('t', 1, { key = agenthost.null })").key == nil)
    }

    @Test("an MQTT publication has the options that were given, and leaves the others to its publisher")
    func mqttPublication() throws {
        let plain = try mqtt("agent:send_mqtt('a/b', { n = 1 })")
        #expect(plain.topic == "a/b" && plain.options.isEmpty && String(buffer: plain.payload) == #"{"n":1}"#)
        let given = try mqtt("agent:send_mqtt('a/b', 'x', { qos = 0, retain = true })")
        #expect(given.integer("qos") == 0 && given.flag("retain") == true && String(buffer: given.payload) == "x")
        // MQTT has no message without a payload: its publisher sends an empty one.
        #expect(try mqtt("agent:send_mqtt('a/b', agenthost.null, { retain = true })").value == nil)
    }

    @Test("an event has an id, a time and its source filled in")
    func emitted() throws {
        let event = try event(
            "agent:emit { event_type = agenthost.events.ALERT_TRIGGERED, data = { a = 1 }, topic = 'alerts' }")
        #expect(event.eventType == "alert_triggered" && event.topic == "alerts" && event.priority == 1)
        #expect(event.eventID == "00000000-0000-4000-8000-000000000001" && event.timestamp == 1_767_323_045_678)
        #expect(event.sourceService == "probe-agent" && event.sourceAgent == "probe-agent")
        #expect(String(buffer: event.data) == #"{"a":1}"# && event.correlationID == nil && event.streamID == nil)
        let given = try self.event(
            "agent:emit { event_type = 'own', correlation_id = 'c', stream_id = 's', priority = 3, source_service = 'x', source_agent = 'y' }"
        )
        #expect(given.correlationID == "c" && given.streamID == "s" && given.priority == 3)
        #expect(
            given.sourceService == "x" && given.sourceAgent == "y" && String(buffer: given.data) == "{}"
                && given.topic == nil)
    }

    @Test("publish and broadcast answer how many they reach; the others true")
    func answers() throws {
        let (effects, results) = try effects(
            """
            return agent:publish("t", { 1 }), agent:broadcast("note", { x = 1 }), agent:send_to_client("c", "hello"),
              agent:send_kafka("t", 1), agent:send_mqtt("t", 1), agent:emit { event_type = "e" }
            """)
        #expect(results == [2, 2, true, true, true, true])
        try #require(effects.count == 6)
        if case .publish(let topic, let data) = effects[0] { #expect(topic == "t" && String(buffer: data) == "[1]") }
        if case .broadcast(let type, let payload) = effects[1] {
            #expect(type == "note" && String(buffer: payload) == #"{"x":1}"#)
        }
        if case .client(let id, let type, let payload) = effects[2] {
            #expect(id == "c" && type == "hello" && String(buffer: payload) == "{}")
        }
    }

    @Test(
        "a refusal is nil and a message",
        arguments: [
            "agent:send_to_client('x', 't', {})", "agent:send_kafka('t', 1)", "agent:publish('t', 1)",
        ])
    func refused(call: String) throws {
        let script = try TestScript.probe("return \(call)")
        script.host.answer = { _ in .refused("not there") }
        #expect(try script.task("probe").results == [.null, "not there"])
    }

    @Test(
        "wrong arguments raise, named, and nothing is sent",
        arguments: [
            ("agent:send_kafka()", "bad argument 'topic' to 'send_kafka' (string expected, got nothing)"),
            ("agent:send_kafka('t')", "bad argument 'value' to 'send_kafka' (a value expected, got nothing)"),
            ("agent:send_kafka('t', nil)", "bad argument 'value' to 'send_kafka' (a value expected, got nil)"),
            ("agent:send_kafka('a b', 1)", "bad argument 'topic' to 'send_kafka' (\"a b\" is no Kafka topic"),
            ("agent:send_kafka('..', 1)", "bad argument 'topic' to 'send_kafka' (\"..\" is no Kafka topic"),
            ("agent:send_kafka('t', print)", "value"), ("agent:send_kafka('t', { a = { print } })", "value.a[1]"),
            ("agent:send_kafka('t', 0/0)", "value"), ("local t = {} t.t = t agent:send_kafka('t', t)", "value.t"),
            ("agent:send_kafka('t', 1, 'k')", "bad argument 'options' to 'send_kafka' (table expected, got string)"),
            ("agent:send_kafka('t', 1, { kye = 'k' })", "unknown option of 'send_kafka' 'kye' (did you mean 'key'?)"),
            ("agent:send_kafka('t', 1, { key = {} })", "option of 'send_kafka' 'key': string expected, got table"),
            (
                "agent:send_kafka('t', 1, { headers = { { 'a' } } })",
                "option of 'send_kafka' 'headers'[1]: a string expected as the value, or agenthost.null for none, got nil"
            ),
            (
                "agent:send_kafka('t', 1, { headers = { { 'a', 'b' }, x = 1 } })",
                "option of 'send_kafka' 'headers': a list of { name, value } expected, it has other keys too"
            ),
            (
                "agent:send_kafka('t', 1, { headers = { a = {} } })",
                "option of 'send_kafka' 'headers'.a: a string expected as the value, or agenthost.null for none, got table"
            ),
            ("agent:publish('\\xff', 1)", "bad argument 'topic' to 'publish' (text in UTF-8 expected)"),
            (
                "agent:send_kafka('t', 1, { headers = 'h' })",
                "option of 'send_kafka' 'headers': a table by name, or a list of { name, value }, expected, got string"
            ),
            (
                "agent:send_kafka('t', 1, { partition = -1 })",
                "option of 'send_kafka' 'partition': an integer from 0 to 2147483647 expected, got -1"
            ),
            (
                "agent:send_mqtt('a/+', 1)",
                "bad argument 'topic' to 'send_mqtt' (\"a/+\" is no MQTT topic to send to"
            ),
            ("agent:send_mqtt('', 1)", "bad argument 'topic' to 'send_mqtt' (\"\" is no MQTT topic"),
            (
                "agent:send_mqtt('t', 1, { qos = 3 })",
                "option of 'send_mqtt' 'qos': an integer from 0 to 2 expected, got 3"
            ),
            ("agent:send_mqtt('t', 1, { retain = 1 })", "option of 'send_mqtt' 'retain': boolean expected, got number"),
            (
                "agent:send_mqtt('t', 1, { retian = true })",
                "unknown option of 'send_mqtt' 'retian' (did you mean 'retain'?)"
            ),
            ("agent:emit()", "bad argument 'event' to 'emit' (table expected, got nothing)"),
            ("agent:emit('e')", "bad argument 'event' to 'emit' (table expected, got string)"),
            ("agent:emit {}", "option of 'emit' 'event_type': string expected, got nil"),
            ("agent:emit { event_type = 5 }", "option of 'emit' 'event_type': string expected, got number"),
            ("agent:emit { event_typ = 'e' }", "unknown option of 'emit' 'event_typ' (did you mean 'event_type'?)"),
            (
                "agent:emit { event_type = 'e', data = 'x' }",
                "option of 'emit' 'data': table of named fields expected, got string"
            ),
            ("agent:emit { event_type = 'e', data = { f = print } }", "data.f"),
            (
                "agent:emit { event_type = 'e', priority = 0 }",
                "option of 'emit' 'priority': an integer from 1 to 3 expected, got 0"
            ),
            (
                "agent:emit { event_type = agenthost.events.ALERT_TRIGGERD }",
                "agenthost.events has no 'ALERT_TRIGGERD' (did you mean 'ALERT_TRIGGERED'?)"
            ),
            ("agent:publish('', 1)", "bad argument 'topic' to 'publish' (a name expected, got \"\")"),
            ("agent:publish('t')", "bad argument 'payload' to 'publish' (a value expected, got nothing)"),
            ("agent:broadcast(1, {})", "bad argument 'message_type' to 'broadcast' (string expected, got number)"),
            (
                "agent:broadcast('t', 'x')",
                "bad argument 'payload' to 'broadcast' (table of named fields expected, got string)"
            ),
            (
                "agent:send_to_client(nil, 't')",
                "bad argument 'client_id' to 'send_to_client' (string expected, got nil)"
            ),
            (
                "agent:process('prob', {})",
                "bad argument 'task_type' to 'process' (Unknown task type: prob; one of probe)"
            ),
            ("agent:process('probe', 5)", "bad argument 'payload' to 'process' (table expected, got number)"),
        ] as [(String, String)])
    func wrongArguments(call: String, complaint: String) throws {
        let script = try TestScript.probe(call)
        guard case .failed(let error) = try script.task("probe").state else {
            Issue.record("it was taken")
            return
        }
        #expect(error.message.hasPrefix("agent.lua:3: \(complaint)"), "\(error.message)")
        #expect(script.host.effects.isEmpty)
    }
}

extension Record {
    fileprivate var payload: ByteBuffer { value ?? ByteBuffer(string: "none") }
}
