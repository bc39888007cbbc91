import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// `agent.state` across a reload.
@Suite struct StateTests {
    private static func source(top: String = "", returning expression: String = "agent.state") -> String {
        """
        local agent = agenthost.agent { name = "a" } \(top)
        agent:task("set", function(task) agent.state.count = 7 agent.state.list = agenthost.array {} agent.state.n = agenthost.null end)
        agent:task("break", function(task) agent.state.deep = { list = { 1, function() end } } end)
        agent:task("probe", function(task) return \(expression) end)
        """
    }

    private func pair(
        new: String, before: String = "set", oldTop: String = "", returning expression: String = "agent.state"
    ) throws -> (old: TestScript, new: TestScript) {
        let old = try TestScript(Self.source(top: oldTop))
        _ = try old.task(before).results
        return (old, try TestScript(Self.source(top: new, returning: expression)))
    }

    @Test("fields of the old state are there in the new one, and what only the new one set stays")
    func adopted() throws {
        let (old, new) = try pair(new: "agent.state.count = 0 agent.state.fresh = 'yes'")
        try new.generation.adoptState(of: old.generation)
        #expect(try new.task("probe").results == [["count": 7, "list": [], "n": nil, "fresh": "yes"]])
    }

    @Test("the state's table stays the one that the script may have kept")
    func sameTable() throws {
        let (old, new) = try pair(new: "local kept = agent.state", returning: "kept.count, rawequal(kept, agent.state)")
        try new.generation.adoptState(of: old.generation)
        #expect(try new.task("probe").results == [7, true])
    }

    @Test("on_upgrade gets a copy and the old version, and its answer is the state")
    func upgraded() throws {
        let (old, new) = try pair(
            new: """
                agent.state.gone = true
                agent:on_upgrade(function(state, old_version) state.count = state.count + 1 return { count = state.count, from = old_version } end)
                """)
        try new.generation.adoptState(of: old.generation)
        #expect(try new.task("probe").results == [["count": 8, "from": .string(old.generation.version)]])
        #expect(try old.task("probe").results.first?["count"] == 7)
    }

    @Test("shared tables and cycles survive")
    func sharing() throws {
        let (old, new) = try pair(
            new: "", before: "probe", oldTop: "local s = agent.state s.one = { 1 } s.two = s.one s.one.back = s.one",
            returning:
                "rawequal(agent.state.one, agent.state.two), rawequal(agent.state.one.back, agent.state.one), agent.state.two[1]"
        )
        try new.generation.adoptState(of: old.generation)
        #expect(try new.task("probe").results == [true, true, 1])
    }

    @Test("a checked model survives")
    func model() throws {
        let (old, new) = try pair(
            new: "", before: "probe",
            oldTop:
                "agent.state.reading = assert(agenthost.models.HealthData { device_id = 'd', reading_type = 'r', value = 1, unit = 'u' })",
            returning: "agent.state.reading.device_id")
        try new.generation.adoptState(of: old.generation)
        #expect(try new.task("probe").results == ["d"])
    }

    @Test("what is not plain data stays behind, and is named by its path")
    func notPlain() throws {
        let (old, new) = try pair(new: "agent.state.count = 1", before: "break")
        let lost = try new.generation.adoptState(of: old.generation)
        #expect(lost == "agent.state.deep.list[2] is a function")
        #expect(try new.task("probe").results == [["count": 1, "deep": ["list": [1]]]])
    }

    @Test(
        "an on_upgrade that fails, or forgets to return, leaves the new state as it was",
        arguments: [
            ("error('cannot')", "agent.lua:1: cannot"),
            ("", "agent.lua: on_upgrade must return the state, a table; it returned nil"),
            ("return 5", "agent.lua: on_upgrade must return the state, a table; it returned number"),
        ] as [(String, String)])
    func failedUpgrade(body: String, complaint: String) throws {
        let (old, new) = try pair(new: "agent.state.count = 1 agent:on_upgrade(function(state) \(body) end)")
        let top = new.generation.state.stack.top
        #expect {
            try new.generation.adoptState(of: old.generation)
        } throws: { error in
            (error as? ScriptFailure)?.message == complaint
        }
        #expect(new.generation.state.stack.top == top)
        #expect(try new.task("probe").results == [["count": 1]])
    }

    @Test(
        "a state that is no table stays behind; none at all is nothing to adopt",
        arguments: [
            ("agent.state = 5", "agent.state is a number, no table"),
            ("agent.state = print", "agent.state is a function, no table"), ("agent.state = nil", nil),
        ] as [(String, String?)])
    func noTable(assignment: String, complaint: String?) throws {
        let old = try TestScript(Self.source(top: assignment))
        let new = try TestScript(Self.source(top: "agent.state.count = 1"))
        #expect(try new.generation.adoptState(of: old.generation) == complaint)
        #expect(try new.task("probe").results == [["count": 1]])
    }

    @Test("the stacks of both generations are as they were")
    func balanced() throws {
        let (old, new) = try pair(new: "agent:on_upgrade(function(state) return state end)")
        let tops = (old.generation.state.stack.top, new.generation.state.stack.top)
        try new.generation.adoptState(of: old.generation)
        #expect((old.generation.state.stack.top, new.generation.state.stack.top) == tops)
    }
}
