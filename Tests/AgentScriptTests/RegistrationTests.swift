import AgentModel
import AgentScript
import Testing

/// Methods that register handlers while the script loads.
@Suite struct RegistrationTests {
    private func load(_ line: String) throws -> TestScript {
        try TestScript("local agent = agenthost.realtime_agent {}\n\(line)")
    }

    private func failure(_ line: String) throws -> String? {
        try TestScript.loadFailure("local agent = agenthost.realtime_agent {}\n\(line)")
    }

    @Test("each kind of handler is where it belongs")
    func kinds() throws {
        let handlers = try load(
            """
            local function f() end
            agent:task("t", f)  agent:on_event("alert_triggered", f)  agent:on_event("*", f)  agent:on_event("*", f)
            agent:on_websocket("chat", f)  agent:on_start(f)  agent:on_stop(f)  agent:on_upgrade(f)
            agent:every(1.5, f)  agent:after(2, f)
            """
        ).generation.handlers
        #expect(handlers.tasks.keys.sorted() == ["t"])
        #expect(handlers.events.mapValues(\.count) == ["alert_triggered": 1, "*": 2])
        #expect(handlers.websocket.keys.sorted() == ["chat"])
        #expect(handlers.start.count == 1 && handlers.stop.count == 1 && handlers.upgrade != nil)
        #expect(handlers.timers.map(\.interval) == [1.5, 2])
        #expect(handlers.timers.map(\.repeats) == [true, false])
        #expect(Set(handlers.timers.map(\.identifier)).count == 2)
    }

    @Test("a message handler has the options given, else the promised defaults")
    func messageOptions() throws {
        let handlers = try load(
            """
            agent:on_message("plain", print)
            agent:on_message("given", print, { source = "kafka", attempts = 5, backoff = 1.5, on_error = "skip", concurrency = 8 })
            agent:on_message("sensors/+/#", print, { source = "mqtt", on_error = "stop" })
            """
        ).generation.handlers.messages
        try #require(handlers.count == 3)
        #expect(handlers.map(\.filter.text) == ["plain", "given", "sensors/+/#"])
        #expect(handlers.map(\.source) == [nil, .kafka, .mqtt])
        #expect(handlers.map(\.attempts) == [3, 5, 3])
        #expect(handlers.map(\.backoff) == [0.2, 1.5, 0.2])
        #expect(handlers.map(\.onError) == [.dlq, .skip, .stop])
        #expect(handlers.map(\.concurrency) == [1, 8, 1])
        #expect(handlers.map(\.location) == ["agent.lua:2", "agent.lua:3", "agent.lua:4"])
    }

    @Test("every filter that matches an MQTT topic counts, in order; for Kafka the name goes before a filter")
    func lookup() throws {
        let handlers = try load(
            """
            agent:on_message("a/+", print)
            agent:on_message("a/b", print, { source = "mqtt" })
            agent:on_message("k", print, { source = "kafka" })
            """
        ).generation.handlers
        func filters(_ topic: String, _ source: TransportTraits) -> [String] {
            handlers.messages(topic: topic, on: source).map(\.filter.text)
        }
        #expect(filters("a/b", .mqtt) == ["a/+", "a/b"])
        #expect(filters("a/b", .kafka) == ["a/+"])
        #expect(filters("a/c", .mqtt) == ["a/+"])
        #expect(filters("k", .mqtt) == [])
        #expect(filters("k", .kafka) == ["k"])
    }

    @Test("one topic may have a handler for each source")
    func bothSources() throws {
        let handlers = try load(
            "agent:on_message('t', print, { source = 'kafka' }) agent:on_message('t', print, { source = 'mqtt' })"
        ).generation.handlers
        #expect(handlers.messages.count == 2)
    }

    @Test(
        "wrong arguments are named, with file and line",
        arguments: [
            ("agent:task()", "bad argument 'task_type' to 'task' (string expected, got nothing)"),
            ("agent:task('t')", "bad argument 'fn' to 'task' (function expected, got nothing)"),
            ("agent:task('t', 'f')", "bad argument 'fn' to 'task' (function expected, got string)"),
            (
                "agent:task('t', print) agent:task('t', print)",
                "bad argument 'task_type' to 'task' (task \"t\" has a handler already)"
            ),
            ("agent.task('t', print)", "call it with a colon: agent:task(…)"),
            ("agent:on_event(nil, print)", "bad argument 'event_type' to 'on_event' (string expected, got nil)"),
            ("agent:on_event('e', {})", "bad argument 'fn' to 'on_event' (function expected, got table)"),
            (
                "agent:on_websocket('ping', print)",
                "bad argument 'message_type' to 'on_websocket' (\"ping\" is answered by the host)"
            ),
            (
                "agent:on_websocket('a', print) agent:on_websocket('a', print)",
                "bad argument 'message_type' to 'on_websocket' (\"a\" has a handler already)"
            ),
            ("agent:on_start()", "bad argument 'fn' to 'on_start' (function expected, got nothing)"),
            ("agent:on_stop(1)", "bad argument 'fn' to 'on_stop' (function expected, got number)"),
            (
                "agent:on_upgrade(print) agent:on_upgrade(print)",
                "bad argument 'fn' to 'on_upgrade' (there is one already)"
            ),
            ("agent:on_message(1, print)", "bad argument 'topic' to 'on_message' (string expected, got number)"),
            (
                "agent:on_message('a/#/b', print)",
                "bad argument 'topic' to 'on_message' (\"a/#/b\" is no topic or MQTT filter"
            ),
            ("agent:on_message('', print)", "bad argument 'topic' to 'on_message' (\"\" is no topic or MQTT filter"),
            (
                "agent:on_message('t', print, 'kafka')",
                "bad argument 'options' to 'on_message' (table expected, got string)"
            ),
            (
                "agent:on_message('t', print, { retries = 3 })",
                "unknown option of 'on_message' 'retries' (it is attempts, the first one included)"
            ),
            (
                "agent:on_message('t', print, { atempts = 3 })",
                "unknown option of 'on_message' 'atempts' (did you mean 'attempts'?)"
            ),
            (
                "agent:on_message('t', print, { attempts = 0 })",
                "option of 'on_message' 'attempts': an integer from 1 to 1000 expected, got 0"
            ),
            (
                "agent:on_message('t', print, { attempts = 1.5 })",
                "option of 'on_message' 'attempts': an integer from 1 to 1000 expected, got 1.5"
            ),
            (
                "agent:on_message('t', print, { source = 'amqp' })",
                "bad argument 'options.source' to 'on_message' (\"kafka\" or \"mqtt\" expected, got \"amqp\")"
            ),
            (
                "agent:on_message('t', print, { backoff = -1 })",
                "bad argument 'options.backoff' to 'on_message' (0 to 3600 seconds expected)"
            ),
            (
                "agent:on_message('t', print, { backoff = 'x' })",
                "option of 'on_message' 'backoff': number expected, got string"
            ),
            (
                "agent:on_message('t', print, { on_error = 'retry' })",
                "bad argument 'options.on_error' to 'on_message' (\"dlq\", \"skip\" or \"stop\" expected, got \"retry\")"
            ),
            (
                "agent:on_message('t', print, { concurrency = 0 })",
                "option of 'on_message' 'concurrency': an integer from 1 to 10000 expected, got 0"
            ),
            (
                "agent:on_message('t', print) agent:on_message('t', print, { source = 'mqtt' })",
                "bad argument 'topic' to 'on_message' (\"t\" has a handler already, from agent.lua:2)"
            ),
            (
                "agent:on_message('a/+', print, { source = 'kafka' })",
                "bad argument 'topic' to 'on_message' (\"a/+\" has MQTT wildcards; a Kafka topic is named in full)"
            ),
            (
                "agent:on_message('t', print, { speed = 3 })",
                "unknown option of 'on_message' 'speed' (known: source, attempts"
            ),
            ("agent:every('x', print)", "bad argument 'seconds' to 'every' (number expected, got string)"),
            ("agent:every(1)", "bad argument 'fn' to 'every' (function expected, got nothing)"),
        ] as [(String, String)])
    func wrongArguments(line: String, complaint: String) throws {
        let message = try #require(try failure(line))
        #expect(message.hasPrefix("agent.lua:2: \(complaint)"), "\(message)")
    }

    @Test(
        "handlers cannot be registered later",
        arguments: [
            "task", "on_message", "on_event", "on_websocket", "on_start", "on_stop", "on_upgrade",
        ])
    func tooLate(method: String) throws {
        #expect(
            try TestScript.failure("agent:\(method)('x', print)")
                == "agent.lua:3: agent:\(method) registers a handler: call it while the script loads, not in a handler")
    }

    @Test(
        "nothing is sent while a script loads",
        arguments: [
            ("agent:send_kafka('t', 1)", "agent:send_kafka"), ("agent:send_mqtt('t', 1)", "agent:send_mqtt"),
            ("agent:emit { event_type = 'e' }", "agent:emit"), ("agent:publish('t', 1)", "agent:publish"),
            ("agent:broadcast('t', {})", "agent:broadcast"),
            ("agent:send_to_client('c', 't', {})", "agent:send_to_client"),
            ("agent:process('t', {})", "agent:process"), ("agent:flush()", "agent:flush"),
            ("agenthost.sleep(1)", "agenthost.sleep"),
            ("agenthost.spawn(print)", "agenthost.spawn"), ("agenthost.http.get('http://x/')", "agenthost.http"),
        ] as [(String, String)])
    func tooEarly(call: String, function: String) throws {
        #expect(
            try failure(call)
                == "agent.lua:2: \(function) cannot be called while the script loads; call it in agent:on_start or in a handler"
        )
    }

    @Test("timers made in a handler are scheduled, and cancelled once")
    func timers() throws {
        let script = try TestScript.probe(
            "local t = agent:after(0.5, function() return 7 end) agent:every(1, print) t:cancel() t:cancel()")
        #expect(try script.task("probe").results == [])
        #expect(script.host.scheduled.map(\.interval) == [0.5, 1])
        #expect(script.host.cancelled.map(\.identifier) == [script.host.scheduled[0].identifier])
        #expect(script.host.scheduled.map(\.isCancelled) == [true, false])
        #expect(try script.run(script.host.scheduled[0].function).results == [7])
        #expect(script.generation.handlers.timers.isEmpty)
    }
}
