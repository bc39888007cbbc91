import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// `agenthost.agent { … }` and `agenthost.realtime_agent { … }`.
@Suite struct DeclarationTests {
    @Test("a declaration becomes the interface that clients see")
    func interface() throws {
        let script = try TestScript(
            """
            local agent = agenthost.realtime_agent {
              name = "health-processing-agent", description = "Health", capabilities = { "vitals" },
              endpoints = { { path = "/analyze-health", task_type = "analyze_health" },
                            { path = "/get", task_type = "vitals", method = "get", description = "d" } },
              websocket_endpoints = { { path = "/ws/health", auto_subscribe = { "health_events", "alerts" } },
                                      { path = "/raw", on_message = function() end, on_open = function() end } },
              streaming_endpoints = { { path = "/stream/alerts", topic = "alerts" } },
              config = { realtime_platform = "p", streaming_topics = { "a" }, port = 1 },
            }
            agent:task("vitals", function() end)
            agent:task("analyze_health", function() end)
            """)
        let interface = try script.interface
        #expect(interface.name == "health-processing-agent")
        #expect(interface.description == "Health")
        #expect(interface.isRealtime && interface.websocketEnabled)
        #expect(interface.agentType == "health")
        #expect(interface.implementation == "deterministic")
        #expect(interface.capabilities == ["vitals"])
        #expect(interface.taskTypes == ["analyze_health", "vitals"])
        #expect(
            interface.endpoints == [
                .init(path: "/analyze-health", method: "POST", taskType: "analyze_health"),
                .init(path: "/get", method: "GET", taskType: "vitals"),
            ])
        #expect(
            interface.websocketEndpoints == [
                .init(path: "/ws/health", autoSubscribe: ["health_events", "alerts"], isRaw: false),
                .init(path: "/raw", autoSubscribe: [], isRaw: true),
            ])
        #expect(interface.streamingEndpoints == [.init(path: "/stream/alerts", topic: "alerts")])
        let raw = try #require(script.generation.handlers.raw["/raw"])
        #expect(raw.onOpen != nil && raw.onClose == nil)
    }

    @Test("a standard agent needs no field, and its tasks are its capabilities")
    func smallest() throws {
        let script = try TestScript("local a = agenthost.agent {} a:task('t', function() end)")
        let interface = try script.interface
        #expect(interface.name == "agent")
        #expect(!interface.isRealtime && !interface.websocketEnabled)
        #expect(interface.capabilities == ["t"])
        #expect(interface.endpoints.isEmpty && interface.description == "")
    }

    @Test("what configuration is asked for, and what it answers")
    func configuration() throws {
        let script = try TestScript(
            """
            -- a comment
            local agent = agenthost.realtime_agent { name = "n", config = { port = 9, streaming_topics = { "a", "b" }, websocket_enabled = false } }
            agent:task("probe", function()
              local names = {}
              for name in pairs(agent.config) do names[#names + 1] = name end
              table.sort(names)
              return agent.config.port, agent.config.kafka_password, names, agent.config.mqtt_host == nil, agent.config.auth0_issuer
            end)
            """,
            settings: { (request) throws(ScriptFailure) in
                #expect(request.name == "n" && request.isRealtime && request.location == "agent.lua:2")
                #expect(request.config == ["port": 9, "streaming_topics": ["a", "b"], "websocket_enabled": false])
                return AgentSettings(
                    serviceName: "n", agentType: "orchestrator", implementation: "openai", platform: "plat",
                    websocketEnabled: false, values: ["port": 8080, "host": "h"], secrets: ["kafka_password": "secret"],
                    names: [
                        "port": "port", "host": "host", "kafka_password": "kafka_password", "mqtt_host": "mqtt_host",
                        "mqtt_port": "mqtt_port", "auth0_issuer": "host",
                    ])
            })
        let interface = try script.interface
        #expect(interface.platform == "plat" && interface.agentType == "orchestrator")
        #expect(interface.implementation == "openai" && !interface.websocketEnabled)
        #expect(try script.task("probe").results == [8080, "secret", ["host", "port"], true, "h"])
    }

    @Test(
        "a name that is no setting is an error, with the nearest that is one",
        arguments: [
            ("kafka_bootstrap_server", " (did you mean 'kafka_bootstrap_servers'?)"),
            ("something_else", " (`agenthost config` lists what it has)"),
        ])
    func unknownSetting(name: String, hint: String) throws {
        let script = try TestScript.probe(
            "return agent.config.\(name)",
            settings: { (request) throws(ScriptFailure) in
                AgentSettings(serviceName: request.name, names: ["kafka_bootstrap_servers": "kafka_bootstrap_servers"])
            })
        guard case .failed(let error) = try script.task("probe").state else {
            Issue.record("it was read")
            return
        }
        #expect(error.message == "agent.lua:3: agent.config has no '\(name)'\(hint)")
    }

    @Test("a script declares settings of its own beside values for the host's")
    func ownSettings() throws {
        let script = try TestScript(
            """
            local s = agenthost.setting
            local agent = agenthost.agent { name = "n", config = {
              port = 9,
              url = s { env = "WEATHER_URL", kind = "url" }, limit = s { default = 3 }, token = s { secret = true },
              places = s { default = { "a", "b" } }, on = s { env = "X", default = true, kind = "boolean" },
            } }
            agent:task("probe", function() return agent.config.limit end)
            """,
            settings: { (request) throws(ScriptFailure) in
                #expect(request.config == ["port": 9])
                let shown = request.declared.map {
                    "\($0.name) \($0.variable) \($0.kind) \($0.isSecret) \($0.defaultValue.map { "\($0)" } ?? "-")"
                }
                #expect(shown.count == 5)
                #expect(
                    shown.map { $0.split(separator: " ").prefix(4).joined(separator: " ") } == [
                        "limit LIMIT number false", "on X boolean false", "places PLACES list false",
                        "token TOKEN string true", "url WEATHER_URL url false",
                    ])
                #expect(request.declared[0].defaultValue == 3 && request.declared[2].defaultValue == ["a", "b"])
                return AgentSettings(serviceName: "n", values: ["limit": 4], names: ["limit": "limit"])
            })
        #expect(try script.task("probe").results == [4])
    }

    @Test(
        "a setting of its own that is wrong is an error where it stands",
        arguments: [
            (
                "s { kind = 'text' }",
                "agent.lua:2: field of agenthost.setting 'kind': one of string, number, integer, boolean, list, url expected, got \"text\""
            ),
            (
                "s { env = 'A B' }",
                "agent.lua:2: field of agenthost.setting 'env': the name of an environment variable expected"
            ),
            ("s { enviroment = 'A' }", "agent.lua:2: unknown field of agenthost.setting 'enviroment'"),
            ("s 'A'", "agent.lua:2: bad argument 'setting' to 'setting' (table expected, got string)"),
        ])
    func wrongOwnSetting(expression: String, complaint: String) throws {
        let message = try #require(
            try TestScript.loadFailure("local s = agenthost.setting\nlocal x = \(expression)\nagenthost.agent {}"))
        #expect(message.hasPrefix(complaint), "\(message)")
    }

    @Test("a configuration that is refused stops the load at the declaration")
    func refusedConfiguration() throws {
        #expect {
            _ = try TestScript(
                "\nagenthost.agent { name = 'n' }",
                settings: { (_) throws(ScriptFailure) in throw ScriptFailure("PORT=abc: a number expected") })
        } throws: { error in
            (error as? ScriptFailure)?.message == "agent.lua:2: PORT=abc: a number expected"
        }
    }

    @Test(
        "what is wrong in a declaration is named, with file and line",
        arguments: [
            ("nmae = 'n'", "unknown field of agenthost.agent 'nmae' (did you mean 'name'?)"),
            (
                "websocket_endpoints = {}",
                "unknown field of agenthost.agent 'websocket_endpoints' (agenthost.realtime_agent has it)"
            ),
            ("port = 1", "unknown field of agenthost.agent 'port' (it is a setting: config = { port = … })"),
            (
                "routes = {}",
                "unknown field of agenthost.agent 'routes' (an endpoint is declared with the agent, endpoints = {"
            ),
            (
                "topics = {}",
                "unknown field of agenthost.agent 'topics' (messages are handled by agent:on_message(topic, fn))"
            ),
            (
                "endpoints = { { path = '/a', handler = print } }",
                "unknown field of endpoints[1] 'handler' (the endpoint's task_type is answered by agent:task(task_type, fn))"
            ),
            (
                "endpoints = { { path = '/a', task = 't' } }", "unknown field of endpoints[1] 'task' (it is task_type)"
            ),
            ("'name'", "1 is not a field of agenthost.agent: names are expected"),
            ("name = 5", "field of agenthost.agent 'name': string expected, got number"),
            ("name = 'a b'", "field of agenthost.agent 'name': a name without spaces expected"),
            ("name = ''", "field of agenthost.agent 'name': a name without spaces expected"),
            ("description = {}", "field of agenthost.agent 'description': string expected, got table"),
            (
                "capabilities = 'x'",
                "field of agenthost.agent 'capabilities': a list of strings expected, got string; it is written capabilities = { \"name\", … }"
            ),
            (
                "capabilities = { a = 'x' }",
                "field of agenthost.agent 'capabilities': a list of strings expected, got a table of named fields"
            ),
            ("capabilities = { 'a', 2 }", "field of agenthost.agent 'capabilities[2]': string expected, got number"),
            ("processor = {}", "field of agenthost.agent 'processor': function expected, got table"),
            ("config = 'x'", "config: table expected, got string"),
            ("config = { 1 }", "config: a table of named settings expected"),
            ("config = { port = print }", "config.port"),
            (
                "endpoints = { path = '/a', task_type = 't' }",
                "field of agenthost.agent 'endpoints': a list of tables expected, got a table of named fields; it is written endpoints = { { path = \"/path\", task_type = \"task\" } }"
            ),
            (
                "endpoints = { ['/a'] = 't' }",
                "field of agenthost.agent 'endpoints': a list of tables expected, got a table of named fields; it is written"
            ),
            (
                "endpoints = { { path = '/a', task_type = 't' }, path = '/b' }",
                "field of agenthost.agent 'endpoints': a list of tables expected, got a list with gaps or named fields; it is"
            ),
            (
                "endpoints = '/a'",
                "field of agenthost.agent 'endpoints': a list of tables expected, got string; it is written"
            ),
            (
                "endpoints = { '/x' }",
                "endpoints[1]: a table expected, got string; it is written { path = \"/path\", task_type = \"task\" }"
            ),
            ("endpoints = { { task_type = 't' } }", "endpoints[1]: a path is missing"),
            ("endpoints = { { path = 'a', task_type = 't' } }", "endpoints[1]: a path that begins with /"),
            ("endpoints = { { path = '/a?b', task_type = 't' } }", "endpoints[1]: a path that begins with /"),
            ("endpoints = { { path = '/a' } }", "endpoints[1] (/a): a task_type is missing"),
            (
                "endpoints = { { path = '/a', task_typ = 't' } }",
                "unknown field of endpoints[1] 'task_typ' (did you mean 'task_type'?)"
            ),
            (
                "endpoints = { { path = '/a', task_type = 't', method = 'FETCH' } }",
                "endpoints[1]: method \"FETCH\" is not one of DELETE, GET, PATCH, POST, PUT"
            ),
            (
                "endpoints = { { path = '/a', task_type = 't' }, { path = '/a', task_type = 'u' } }",
                "endpoints[2]: POST /a is declared twice"
            ),
            (
                "endpoints = { { path = '/a', task_type = 't', parameters = {} } }",
                "endpoints[1]: parameters must be a model"
            ),
            (
                "endpoints = { { path = '/a', task_type = 't', parameters = 'x' } }",
                "endpoints[1]: parameters must be a model"
            ),
        ] as [(String, String)])
    func wrongField(fields: String, complaint: String) throws {
        let message = try #require(try TestScript.loadFailure("agenthost.agent { \(fields) }"))
        #expect(message.hasPrefix("agent.lua:1: \(complaint)"), "\(message)")
        #expect(!message.contains("\n"))
    }

    @Test(
        "what is wrong in a realtime agent's endpoints is named",
        arguments: [
            (
                "websocket_endpoints = { path = '/w' }",
                "field of agenthost.realtime_agent 'websocket_endpoints': a list of tables expected, got a table of named fields; it is written websocket_endpoints = { { path = \"/ws/name\" } }"
            ),
            (
                "streaming_endpoints = { path = '/s', topic = 't' }",
                "field of agenthost.realtime_agent 'streaming_endpoints': a list of tables expected, got a table of named fields; it is written streaming_endpoints = { { path = \"/stream/name\", topic = \"name\" } }"
            ),
            ("streaming_endpoints = { '/s' }", "streaming_endpoints[1]: a table expected, got string; it is written {"),
            (
                "websocket_endpoints = { { path = '/w', topics = {} } }",
                "unknown field of websocket_endpoints[1] 'topics' (it is auto_subscribe)"
            ),
            ("websocket_endpoints = { { auto_subscribe = {} } }", "websocket_endpoints[1]: a path is missing"),
            (
                "websocket_endpoints = { { path = '/w', auto_subscribe = 't' } }",
                "field of websocket_endpoints[1] 'auto_subscribe': a list of strings expected"
            ),
            (
                "websocket_endpoints = { { path = '/w', on_open = print } }",
                "websocket_endpoints[1]: on_open and on_close belong to a raw endpoint"
            ),
            (
                "websocket_endpoints = { { path = '/w', on_message = print, auto_subscribe = { 't' } } }",
                "websocket_endpoints[1]: on_message makes the endpoint raw"
            ),
            (
                "websocket_endpoints = { { path = '/w', on_message = 'f' } }",
                "field of websocket_endpoints[1] 'on_message': function expected, got string"
            ),
            (
                "websocket_endpoints = { { path = '/w' }, { path = '/w' } }",
                "websocket_endpoints[2]: /w is declared twice"
            ),
            (
                "endpoints = { { path = '/d/{id}', task_type = 't' }, { path = '/d/{x}', task_type = 't' } }",
                "endpoints[2]: POST /d/{x} is declared twice, as /d/{id}"
            ),
            (
                "endpoints = { { path = '/d/{id:int}', task_type = 't' } }",
                "endpoints[1]: the path \"/d/{id:int}\" has the parameter {id:int}: {id}, or {id:path} at the end, expected"
            ),
            (
                "websocket_endpoints = { { path = '/w/{id}', auto_subscribe = { 'w/{name}' } } }",
                "websocket_endpoints[1]: the topic \"w/{name}\" has {name}, which is no parameter of /w/{id}"
            ),
            (
                "websocket_endpoints = { { path = '/w', subprotocols = { 'a b' } } }",
                "websocket_endpoints[1]: subprotocols[1]: a name without spaces and separators expected, got \"a b\""
            ),
            (
                "websocket_endpoints = { { path = '/w', subprotocols = { 'a', 'a' } } }",
                "websocket_endpoints[1]: subprotocols[2]: \"a\" is there twice"
            ),
            (
                "streaming_endpoints = { { path = '/s/{id}', topic = 's/{i}' } }",
                "streaming_endpoints[1]: the topic \"s/{i}\" has {i}, which is no parameter of /s/{id}"
            ),
            ("streaming_endpoints = { { path = '/s' } }", "streaming_endpoints[1] (/s): a topic is missing"),
            (
                "streaming_endpoints = { { path = '/s', topic = 't' }, { path = '/s', topic = 'u' } }",
                "streaming_endpoints[2]: /s is declared twice"
            ),
            (
                "streaming_endpoints = { { path = '/s', topik = 't' } }",
                "unknown field of streaming_endpoints[1] 'topik' (did you mean 'topic'?)"
            ),
        ] as [(String, String)])
    func wrongRealtimeField(fields: String, complaint: String) throws {
        let message = try #require(try TestScript.loadFailure("\n\nagenthost.realtime_agent { \(fields) }"))
        #expect(message.hasPrefix("agent.lua:3: \(complaint)"), "\(message)")
    }

    @Test("processor runs once while loading and is there in handlers")
    func processor() throws {
        let script = try TestScript(
            """
            local made = 0
            local agent = agenthost.agent { processor = function() made = made + 1 return { knowledge_base = { "k" }, made = made } end }
            agent:task("probe", function() agent.processor.made = agent.processor.made + 10 return agent.processor end)
            """)
        #expect(try script.task("probe").results == [["knowledge_base": ["k"], "made": 11]])
        let message = try TestScript.loadFailure("agenthost.agent { processor = function()\nerror('no') end }")
        #expect(message == "agent.lua:2: no")
    }

    @Test(
        "the agent's table is strict",
        arguments: [
            ("return agent.sattus", "agent.lua:3: an agent has no 'sattus'"),
            ("agent:sned_kafka('t', 1)", "agent.lua:3: an agent has no 'sned_kafka' (did you mean 'send_kafka'?)"),
            (
                "agent.counter = 1",
                "agent.lua:3: an agent has no field 'counter'; keep what survives a reload in agent.state"
            ),
            (
                "agent.sate = {}",
                "agent.lua:3: an agent has no field 'sate' (did you mean 'state'?); keep what survives a reload in agent.state"
            ),
            ("agent.send_kafka('t', 1)", "agent.lua:3: call it with a colon: agent:send_kafka(…)"),
            (
                "agent:get('/x', print)",
                "agent.lua:3: an agent has no 'get' (an endpoint is declared with the agent, endpoints = {"
            ),
            (
                "agent:subscribe('t')",
                "agent.lua:3: an agent has no 'subscribe' (messages are handled by agent:on_message"
            ),
            (
                "agent:send_kafka_message('t', 1)",
                "agent.lua:3: an agent has no 'send_kafka_message' (it is agent:send_kafka(topic, value))"
            ),
            (
                "agent:add_middleware('cors')",
                "agent.lua:3: an agent has no 'add_middleware' (there is none: the setting ALLOWED_ORIGINS lets pages"
            ),
            (
                "return agenthost.HTTPException(404)",
                "agent.lua:3: agenthost has no 'HTTPException' (an answer of the handler's own is agenthost.answer("
            ),
            ("agent:run()", "agent.lua:3: an agent has no 'run' (the host runs the agent: agenthost run FILE.lua)"),
            (
                "agenthost.task('x', print)",
                "agent.lua:3: agenthost has no 'task' (it is a method of the agent: agent:task(…))"
            ),
            (
                "return agenthost.test",
                "agent.lua:3: agenthost has no 'test' (it is there in a file of tests, which `agenthost test FILE` runs)"
            ),
            ("setmetatable(agent, nil)", "agent.lua:3: cannot change a protected metatable"),
            (
                "agenthost.agent {}",
                "agent.lua:3: agenthost.agent registers a handler: call it while the script loads, not in a handler"
            ),
        ] as [(String, String)])
    func strict(body: String, complaint: String) throws {
        let message = try #require(try TestScript.failure(body))
        #expect(message.hasPrefix(complaint), "\(message)")
    }

    @Test("name, description and version can be read")
    func readable() throws {
        #expect(
            try TestScript.evaluate("return agent.name, agent.description, type(agenthost.version)") == [
                "probe-agent", "", "string",
            ])
    }
}
