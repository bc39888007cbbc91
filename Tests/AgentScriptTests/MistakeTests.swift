import AgentModel
import AgentScript
import LuaRuntime
import TestSupport
import Testing

/// What people write who know other frameworks, and what they are told.
@Suite struct MistakeTests {
    // MARK: Globals

    private func warnings(_ body: String, files: [String: String] = [:]) throws -> [String] {
        try TestScript("local agent = agenthost.realtime_agent { name = 'a' }\n" + body, files: files).interface
            .warnings
    }

    @Test("a global that only functions assign is warned of once, with its place and what to write")
    func accidentalGlobal() throws {
        let warnings = try warnings(
            """
            agent:task("t", function(task)
              total = 0
              for _, n in ipairs(task.parameters.list) do total = total + n end
              return total
            end)
            """)
        #expect(
            warnings == [
                "agent.lua:3: total is assigned as a global, which all handlers share and a reload loses: write local total, or "
                    + "keep it in agent.state"
            ])
    }

    @Test("a global that a main chunk makes is meant, and so is _G.name; others' files are left alone")
    func meantGlobals() throws {
        #expect(
            try warnings(
                """
                counter = 0
                function helper() counter = counter + 1 end
                require "m"
                require "other"
                agent:task("t", function() _G.cache = 1 made = 2 end)
                """, files: ["m.lua": "made = 1", "lib/other.lua": "local function f() x = 1 end return f"]) == [])
    }

    @Test("a module's globals are its own file's")
    func globalOfModule() throws {
        let warnings = try warnings("require 'm'", files: ["m.lua": "return function()\n  x = 1\nend"])
        #expect(warnings.count == 1 && warnings[0].hasPrefix("m.lua:2: x is assigned as a global"))
    }

    // MARK: Topics

    @Test(
        "a topic that is probably not meant so is warned of",
        arguments: [
            (
                "'/building/temp'",
                "agent.lua:2: the topic \"/building/temp\" begins with a slash, which is part of its name: \"building/temp\" is another"
            ),
            (
                "'building/*/temp'",
                "agent.lua:2: * is no wildcard in \"building/*/temp\": + stands for one level, and # at the end for all further ones"
            ),
            (
                "'building/{name}/temp'",
                "agent.lua:2: {name} is no wildcard in \"building/{name}/temp\": + stands for one level, and message.topic says which it was"
            ),
            (
                "'building/+/<room>'",
                "agent.lua:2: <room> is no wildcard in \"building/+/<room>\": + stands for one level, and message.topic says which it was"
            ),
            (
                "'work orders'",
                "agent.lua:2: the topic \"work orders\" is heard on MQTT alone: Kafka's have letters, digits, '.', '_' and '-'; source = \"mqtt\" says that it is meant"
            ),
        ])
    func doubtfulTopic(topic: String, warning: String) throws {
        #expect(try warnings("agent:on_message(\(topic), function() end)") == [warning])
        #expect(try warnings("agent:on_message('building/+/temp', function() end)") == [])
        #expect(try warnings("agent:on_message('work orders', function() end, { source = 'mqtt' })") == [])
    }

    @Test(
        "a path with a parameter as other frameworks write it is warned of",
        arguments: [
            ("/rooms/:id", "agent.lua:2: endpoints[1]: :id is no parameter: it is written {id}"),
            ("/rooms/<int:id>/x", "agent.lua:2: endpoints[1]: <int:id> is no parameter: it is written {id}"),
            ("/files/*", "agent.lua:2: endpoints[1]: * is no wildcard: {name:path} at the end takes the rest"),
        ])
    func doubtfulPath(path: String, warning: String) throws {
        let source =
            "\nlocal a = agenthost.agent { endpoints = { { path = '\(path)', task_type = 't' } } } a:task('t', function() end)"
        #expect(try TestScript(source).interface.warnings == [warning])
        let plain = source.replacing(path, with: "/rooms/{id}/a-b_c.d:e")
        #expect(try TestScript(plain).interface.warnings == [])
    }

    @Test("a handler of WebSocket messages in an agent without WebSockets is warned of")
    func noWebSockets() throws {
        let script = try TestScript("local a = agenthost.agent {}\na:on_websocket('x', function() end)")
        #expect(
            try script.interface.warnings == [
                "agent.lua:2: agenthost.agent has no WebSockets, so that nothing calls this; agenthost.realtime_agent has them"
            ])
    }

    @Test("a handler of an event that other frameworks emit at the start and at the end is warned of")
    func lifeEvents() throws {
        #expect(
            try warnings("agent:on_event('startup', function() end) agent:on_event('shutdown', function() end)") == [
                "agent.lua:2: agent:on_event hears what agents emit, and \"startup\" only if one does; agent:on_start(fn) is meant?",
                "agent.lua:2: agent:on_event hears what agents emit, and \"shutdown\" only if one does; agent:on_stop(fn) is meant?",
            ])
        #expect(try warnings("agent:on_event('started', function() end)") == [])
    }

    @Test("a topic that Kafka cannot have is an error where Kafka is meant")
    func kafkaTopic() throws {
        let message = try TestScript.loadFailure(
            "local a = agenthost.agent {}\na:on_message('work/orders', function() end, { source = 'kafka' })")
        #expect(
            message
                == "agent.lua:2: bad argument 'topic' to 'on_message' (\"work/orders\" can be no Kafka topic: "
                + "1 to 249 letters, digits, '.', '_' and '-' expected)")
    }

    // MARK: Loading

    @Test(
        "what other hosts and languages have is not there, and what there is instead is said",
        arguments: [
            ("require 'cjson'", "module 'cjson' is not there: use agenthost.json.encode and agenthost.json.decode"),
            ("require 'dkjson'", "module 'dkjson' is not there: use agenthost.json.encode and agenthost.json.decode"),
            (
                "require 'socket.http'",
                "module 'socket.http' is not there: use agenthost.http.get, agenthost.http.post or agenthost.http.request"
            ),
            (
                "require 'socket'",
                "module 'socket' is not there: an agent opens no sockets: agenthost.http makes requests"
            ),
            ("require 'ssl'", "module 'ssl' is not there: an agent opens no sockets"),
            ("require 'lfs'", "module 'lfs' is not there: an agent reaches no files or processes: agenthost.file.read"),
            ("require 'posix.unistd'", "module 'posix.unistd' is not there: an agent reaches no files or processes"),
            ("require 'resty.redis'", "module 'resty.redis' is not there: an agent has agenthost.http, agenthost.json"),
            ("require 'resty.http'", "module 'resty.http' is not there: use agenthost.http.get"),
            ("require 'ngx.re'", "module 'ngx.re' is not there: an agent has agenthost.http"),
            ("require 'asyncio'", "module 'asyncio' is not there: what waits looks synchronous here"),
            ("require './m'", "module './m': a module's name is words with dots between them (did you mean 'm'?)"),
            (
                "require './a/m.lua'",
                "module './a/m.lua': a module's name is words with dots between them (did you mean 'a.m'?)"
            ),
            (
                "local a = agenthost.agent {} a:on_message('t', print, { retries = 5 })",
                "unknown option of 'on_message' 'retries' (it is attempts, the first one included)"
            ),
            (
                "agenthost.realtime_agent { websocket_endpoints = { { path = '/w', handler = print } } }",
                "unknown field of websocket_endpoints[1] 'handler' (messages are handled by agent:on_websocket(type, fn), frames"
            ),
            ("require 'busted'", "module 'busted' is not there: tests are run by `agenthost test`"),
            ("handler()\nlocal function handler() end", "undefined global 'handler' (line 2 declares it as a local"),
            ("local agent = 1\n// remark\nlocal b", "undefined global 'remark' (a comment begins with -- in Lua)"),
            (
                "agenthost.agent 'name'",
                "bad argument 'declaration' to 'agent' (table of fields, as { name = \"…\" }, expected, got string)"
            ),
            ("local x = {}\nif x != nil then end", "'then' expected near '!' (Lua writes ~= for !=)"),
        ])
    func loading(source: String, complaint: String) throws {
        let message = try #require(try TestScript.loadFailure(source))
        #expect(message.hasPrefix("agent.lua:"))
        #expect(message.dropFirst("agent.lua:1: ".count).hasPrefix(complaint), "\(message)")
    }

    @Test("a module of such a name beside the script is taken")
    func ownModule() throws {
        _ = try TestScript("agenthost.agent {}\nassert(require('json') == 7)", files: ["json.lua": "return 7"])
    }

    @Test("a module that is named as its file is named as a module")
    func moduleFile() throws {
        let message = try TestScript.loadFailure("require 'm.lua'", files: ["m.lua": "return 1"])
        #expect(message == "agent.lua:1: module 'm.lua' not found (did you mean 'm'?)")
    }

    @Test("a mistake in a module is told in the module's own place")
    func moduleSyntax() throws {
        let message = try TestScript.loadFailure("require 'm'", files: ["m.lua": "local m = {}\nm.count += 1"])
        #expect(message == "m.lua:2: syntax error near '+' (Lua has no +=: m.count = m.count + …)")
    }

    @Test(
        "a handler that is there already is told with the place of the first",
        arguments: [
            (
                "a:task('t', function() end)",
                "bad argument 'task_type' to 'task' (task \"t\" has a handler already, from agent.lua:2)"
            ),
            (
                "a:on_websocket('t', function() end)",
                "bad argument 'message_type' to 'on_websocket' (\"t\" has a handler already, from agent.lua:2)"
            ),
            (
                "a:on_message('t', function() end)",
                "bad argument 'topic' to 'on_message' (\"t\" has a handler already, from agent.lua:2)"
            ),
        ])
    func twice(registration: String, complaint: String) throws {
        let message = try TestScript.loadFailure(
            "local a = agenthost.realtime_agent {}\n\(registration)\n\(registration)")
        #expect(message == "agent.lua:3: " + complaint)
    }

    @Test("a number in quotes is told from one")
    func quotedNumber() throws {
        let message = try TestScript.loadFailure(
            "local a = agenthost.agent {}\na:on_message('t', function() end, { attempts = '3' })")
        #expect(
            message == "agent.lua:2: option of 'on_message' 'attempts': an integer from 1 to 1000 expected, got string")
    }

    @Test("numbers cannot be asked for exactly of what is not to be decoded")
    func exactBytes() throws {
        let message = try TestScript.loadFailure(
            "local a = agenthost.agent {}\na:on_message('t', function() end, { decode = false, json = 'exact' })")
        #expect(
            message == "agent.lua:2: bad argument 'options.json' to 'on_message' "
                + "(with decode = false no number is read, exactly or not)")
    }

    // MARK: Running

    @Test(
        "what a handler looks for by another name is named",
        arguments: [
            ("return task.params", "a task has no 'params' (it is task.parameters)"),
            (
                "return task.json",
                "a task has no 'json' (it is task.parameters, or task.body of an endpoint with body = \"any\")"
            ),
            (
                "return task.request.headers",
                "a task has no 'request' (of its request a task has path, query_params and headers)"
            ),
            ("return agenthost.events.ALERT", "agenthost.events has no 'ALERT' (known: AGENT_TASK_COMPLETED, "),
            (
                "for _, x in ipairs(task.parameters.list) do end",
                "bad argument #1 to 'ipairs' (table expected, got nil)"
            ),
            ("return params.x", "undefined global 'params'"),
            ("emit { event_type = 'x' }", "undefined global 'emit' (it is a method of the agent: agent:emit { … })"),
        ])
    func running(body: String, complaint: String) throws {
        let message = try #require(try TestScript.failure(body))
        #expect(message.hasPrefix("agent.lua:3: \(complaint)"), "\(message)")
    }

    @Test("any other field that a task has not is nil")
    func otherField() throws {
        #expect(try TestScript.evaluate("task.mine = 1 return task.mine, task.other == nil") == [1, true])
    }

    // MARK: Paths

    @Test("a path at which no script is names the one that was probably meant")
    func paths() throws {
        let folder = try ScriptFolder([
            "health.lua": "", "hello.lua": "", "hello_test.lua": "", "app.py": "", "oam.yaml": "",
        ])
        func complaint(_ name: String) -> String? {
            let path = folder.path(of: name)
            do throws(ScriptFailure) {
                _ = try ScriptSnapshot(path: path).script()
                return nil
            } catch {
                return error.message.replacing(folder.path + "/", with: "")
            }
        }
        #expect(complaint("healt.lua") == "healt.lua: no such file (did you mean health.lua?)")
        #expect(complaint("health") == "health: no such file (did you mean health.lua?)")
        #expect(
            complaint("unlike.lua")
                == "unlike.lua: no such file (there are health.lua, hello.lua, hello_test.lua)")
        #expect(complaint(".")?.hasSuffix(": is a directory; name the Lua file in it (health.lua, hello.lua)") == true)
        #expect(complaint("app.py") == "app.py: is a Python file; an agent is a Lua script")
        #expect(
            complaint("oam.yaml")
                == "oam.yaml: is a YAML file; an OAM application is given as --oam FILE, beside the Lua script")
        #expect(complaint("health.lua") == nil)
    }
}
