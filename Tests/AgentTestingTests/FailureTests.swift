import AgentTesting
import Foundation
import Testing

@Suite struct FailureTests {
    private static let agent = """
        local agent = agenthost.agent { name = "greeter", endpoints = { { path = "/greet", task_type = "greet" } } }
        agent:task("greet", function(task) return { text = "Hello, " .. task.query, tags = { "a", "b" } } end)
        """

    @Test("a wrong expectation shows the line, what was expected and what came")
    func scalarsShowBoth() async throws {
        let folder = try TestFolder()
        try folder.write("greeter.lua", Self.agent)
        let result = try await folder.run(
            tests: """
                local host = test.load "greeter.lua"
                test("greets", function()
                  test.equal(host:task("greet", { query = "Ada" }).text, "Hi, Ada")
                end)
                """)
        #expect(
            result.failure(of: "greets") == """
                agent_test.lua:4: not equal
                  expected  "Hi, Ada"
                  got       "Hello, Ada"
                """)
        #expect(result.failureCount == 1)
    }

    @Test("tables that differ are shown line by line")
    func tablesShowADifference() async throws {
        let folder = try TestFolder()
        let result = try await folder.run(
            tests: """
                test("differs", function()
                  test.equal({ name = "a", tags = { "x", "y" }, n = 1 }, { name = "a", tags = { "x", "z" }, n = 1.0 })
                end)
                """)
        #expect(
            result.failure(of: "differs") == """
                agent_test.lua:3: not equal
                  - expected
                  + got
                    {
                  -   n = 1.0,
                  +   n = 1,
                      name = "a",
                      tags = {
                        "x",
                  -     "z",
                  +     "y",
                      },
                    }
                """)
    }

    @Test("a test that never ends is stopped and named, and the others run")
    func hangingTestIsStopped() async throws {
        let folder = try TestFolder()
        let result = try await folder.run(
            tests: """
                test("never ends", function() while true do end end)
                test("catches and never ends", function() while true do pcall(function() while true do end end) end end)
                test("fine", function() test.equal(1, 1) end)
                """, limit: 0.3)
        #expect(result.tests.map(\.name) == ["never ends", "catches and never ends", "fine"])
        #expect(result.failure(of: "never ends")?.contains("stopped after 0.3 s") == true)
        #expect(result.failure(of: "never ends")?.hasPrefix("agent_test.lua:2:") == true)
        #expect(result.failure(of: "catches and never ends")?.contains("stopped after 0.3 s") == true)
        #expect(result.failure(of: "fine") == nil)
        #expect(result.failureCount == 2)
    }

    @Test("a test whose agent has more to do than there is time is stopped where it moves the clock")
    func hangingClockIsStopped() async throws {
        let folder = try TestFolder()
        try folder.write(
            "busy.lua",
            """
            local agent = agenthost.agent { name = "busy" }
            agent:every(0.001, function() for i = 1, 20000 do local _ = i * 2 end end)
            """)
        let result = try await folder.run(
            tests: """
                local host = test.load "busy.lua"
                test("takes too long", function() pcall(function() host:advance(1e9) end) end)
                """, limit: 0.5)
        let failure = try #require(result.failure(of: "takes too long"))
        #expect(failure.contains("0.5 s"))
    }

    @Test("a test that nothing can stop is given up and named, and its file ends there")
    func unstoppableTestIsGivenUp() async throws {
        let folder = try TestFolder()
        // Timers without a pause: the clock of a test never gets past them. They end by themselves a little later.
        try folder.write(
            "endless.lua",
            """
            local agent = agenthost.agent { name = "endless" }
            agent:task("go", function()
              local begin = os.clock()
              local function again() if os.clock() - begin < 4 then agent:after(0, again) end end
              again()
            end)
            """)
        let result = try await folder.run(
            tests: """
                local host = test.load "endless.lua"
                test("first", function() end)
                test("endless", function() host:task("go") end)
                test("not run", function() end)
                """, limit: 0.1)
        #expect(result.tests.map(\.name) == ["first", "endless"])
        #expect(
            result.failure(of: "endless")
                == "agent_test.lua:4: the test was given up: it took longer than 0.1 s and could not be stopped")
        #expect(result.failure?.message.hasSuffix("the tests after \"endless\" were not run") == true)
    }

    @Test("a script that does not load is a failure with its own file and line")
    func brokenScript() async throws {
        let folder = try TestFolder()
        try folder.write(
            "broken.lua", "local agent = agenthost.agent { name = \"x\" }\nagent:tsak(\"a\", function() end)\n")
        let result = try await folder.run(tests: "\nlocal host = test.load \"broken.lua\"\n")
        let message = try #require(result.failure?.message)
        #expect(message.hasPrefix("broken.lua:2: an agent has no 'tsak' (did you mean 'task'?)"))
        #expect(message.contains("loaded at agent_test.lua:3"))
    }

    @Test("a file of tests with a syntax error fails with its line")
    func brokenTests() async throws {
        let folder = try TestFolder()
        let result = try await folder.run(tests: "test(\"x\", function( end)")
        #expect(result.failure?.message.hasPrefix("agent_test.lua:2:") == true)
        #expect(result.failureCount == 1)
    }

    @Test("misuse of the test library names the function, the argument and what was meant")
    func misuse() async throws {
        let folder = try TestFolder()
        try folder.write("greeter.lua", Self.agent)
        let result = try await folder.run(
            tests: """
                local host = test.load "greeter.lua"
                test("unknown function", function() test.eqaul(1, 1) end)
                test("unknown method", function() host:mesage("a", 1) end)
                test("unknown task", function() host:task("great") end)
                test("no colon", function() host.task("greet") end)
                test("sleeps", function() agenthost.sleep(1) end)
                test("declares an agent", function() agenthost.agent { name = "x" } end)
                test("requests by itself", function() agenthost.http.get("http://x") end)
                test("unknown field", function() host:request { path = "/greet", jsn = {} } end)
                test("a plain assert", function() assert(1 == 2) end)
                test("an error without an error", function() test.error(function() end, "boom") end)
                """)
        let expected = [
            "unknown function": "agent_test.lua:3: agenthost.test has no 'eqaul' (did you mean 'equal'?)",
            "unknown method": "agent_test.lua:4: a host has no 'mesage' (did you mean 'message'?)",
            "unknown task": "agent_test.lua:5: Unknown task type: great; one of greet",
            "no colon": "agent_test.lua:6: call it with a colon: host:task(…)",
            "sleeps": "agent_test.lua:7: a test does not sleep: host:advance(seconds) moves the clock",
            "unknown field": "agent_test.lua:10: unknown field of 'request' 'jsn' (did you mean 'json'?)",
            "a plain assert": "agent_test.lua:11: assertion failed!",
            "an error without an error": "agent_test.lua:12: no error was raised\n  expected  \"boom\"",
        ]
        for (name, message) in expected { #expect(result.failure(of: name) == message) }
        #expect(result.failure(of: "declares an agent")?.contains("test.load") == true)
        #expect(result.failure(of: "requests by itself")?.contains("host:request") == true)
        #expect(result.failureCount == 10)
    }

    @Test("the log of the agent is kept with the test that failed")
    func logIsShown() async throws {
        let folder = try TestFolder()
        try folder.write(
            "loud.lua",
            """
            local agent = agenthost.agent { name = "loud" }
            agent:task("t", function() agenthost.log.warn("careful", { n = 1 }) return 1 end)
            """)
        let result = try await folder.run(
            tests: """
                local host = test.load "loud.lua"
                test("first", function() host:task("t") end)
                test("second", function() host:task("t") test.equal(1, 2) end)
                """)
        #expect(result.tests.last?.failure?.log == ["warning careful n=1"])
    }
}
