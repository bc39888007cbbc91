import AgentTesting
import Testing

/// What a test sends and the agent would never get is an error of the test.
@Suite struct RefusalTests {
    private static let agent = """
        local agent = agenthost.realtime_agent { name = "picky" }
        agent:on_message("blood_pressure", function() end, { source = "kafka" })
        agent:on_message("building/+/temp", function() end)
        agent:on_event("alert_triggered", function() end)
        agent:task("analyze", function() return 1 end)
        """

    @Test(
        "what reaches nobody is an error with the test's line and the nearest name",
        arguments: [
            (
                #"host:message("blood_presure", {})"#,
                #"agent_test.lua:4: bad argument 'topic' to 'message' (the agent does not subscribe "blood_presure" (did you mean "blood_pressure"?))"#
            ),
            (
                #"host:message("building/7/tmp", {})"#,
                #"agent_test.lua:4: bad argument 'topic' to 'message' (the agent does not subscribe "building/7/tmp" (did you mean "building/+/temp"?))"#
            ),
            (
                #"host:message("building/+/temp", {})"#,
                #"agent_test.lua:4: bad argument 'topic' to 'message' ("building/+/temp" is a filter, and a message has a topic, as "building/1/temp")"#
            ),
            (
                #"host:message("weather", {})"#,
                #"agent_test.lua:4: bad argument 'topic' to 'message' (the agent does not subscribe "weather"; it subscribes blood_pressure, building/+/temp)"#
            ),
            (
                #"host:message("blood_pressure", {}, { source = "mqtt" })"#,
                #"agent_test.lua:4: bad argument 'topic' to 'message' (the agent subscribes "blood_pressure" on Kafka, not on MQTT)"#
            ),
            (
                #"host:task("analyse")"#,
                "agent_test.lua:4: Unknown task type: analyse; one of analyze"
            ),
            (
                #"host:event { event_type = "alert_trigered" }"#,
                #"agent_test.lua:4: bad argument 'event' to 'event' (no handler and no client hears "alert_trigered" (did you mean "alert_triggered"?))"#
            ),
        ])
    func refused(call: String, message: String) async throws {
        let folder = try TestFolder()
        try folder.write("agent.lua", Self.agent)
        let result = try await folder.run(
            tests: """
                local host = test.load "agent.lua"
                test("wrong", function()
                  \(call)
                end)
                """)
        #expect(result.failures == message)
    }

    @Test("an agent that subscribes nothing says so")
    func nothing() async throws {
        let folder = try TestFolder()
        try folder.write("agent.lua", "agenthost.agent { name = 'deaf' }")
        let result = try await folder.run(
            tests: "local host = test.load \"agent.lua\"\ntest(\"t\", function() host:message(\"a\", {}) end)")
        #expect(
            result.failures.contains("the agent does not subscribe \"a\", nor any other topic; agent:on_message does"))
    }

    @Test("topics of the settings are subscribed too, and events that nobody hears are no mistake")
    func accepted() async throws {
        let folder = try TestFolder()
        try folder.write(
            "agent.lua",
            "agenthost.realtime_agent { name = 'wide', config = { streaming_topics = { 'raw' }, mqtt_topics = { 'm/#' } } }"
        )
        let result = try await folder.run(
            tests: """
                local host = test.load "agent.lua"
                test("t", function()
                  assert(host:message("raw", {}))
                  assert(host:message("m/1/2", {}))
                  assert(host:event { event_type = "news" })
                end)
                """)
        #expect(result.failures == "" && result.passedCount == 1)
    }
}
