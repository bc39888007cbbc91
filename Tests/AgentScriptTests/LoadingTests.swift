import AgentScript
import LuaRuntime
import TestSupport
import Testing

/// Scripts that do not become an agent.
@Suite struct LoadingTests {
    @Test(
        "a script that is no agent says what is missing",
        arguments: [
            (
                "local x = 1",
                "agent.lua:1: the script declares no agent; call agenthost.agent { … } or agenthost.realtime_agent { … }"
            ),
            (
                "",
                "agent.lua:1: the script declares no agent; call agenthost.agent { … } or agenthost.realtime_agent { … }"
            ),
            (
                "agenthost.agent {}\nagenthost.agent {}",
                "agent.lua:2: one script is one agent: the first was declared at agent.lua:1"
            ),
            (
                "agenthost.agent()",
                "agent.lua:1: bad argument 'declaration' to 'agent' (table of fields, as { name = \"…\" }, expected, got nothing)"
            ),
            ("agenthost.agnet {}", "agent.lua:1: agenthost has no 'agnet' (did you mean 'agent'?)"),
            (
                "\nagenthost.agent { endpoints = { { path = '/a', task_type = 'analyse' } } }:task('analyze', function() end)",
                "agent.lua:2: endpoint /a is for task \"analyse\", which has no handler (did you mean \"analyze\"?)"
            ),
            (
                "agenthost.agent { endpoints = { { path = '/a', task_type = 't' } } }",
                "agent.lua:1: endpoint /a is for task \"t\", which has no handler; add agent:task(\"t\", function(task) … end)"
            ),
            ("error('no luck')", "agent.lua:1: no luck"), ("local x = ", "agent.lua:1: unexpected symbol near <eof>"),
            ("\n\nx.y.z = 1", "agent.lua:3: undefined global 'x'"),
        ] as [(String, String)])
    func noAgent(source: String, complaint: String) throws {
        let message = try #require(try TestScript.loadFailure(source))
        #expect(message.hasPrefix(complaint), "\(message)")
    }

    @Test(
        "a script that never ends, or eats memory, does not load",
        arguments: [
            ("agenthost.agent {}\nwhile true do end", "agent.lua:2: "),
            ("agenthost.agent {}\nlocal s = ('x'):rep(1000) while true do s = s .. s end", "agent.lua:2: "),
            ("agenthost.agent {}\nlocal function f() return 1 + f() end f()", "agent.lua:2: "),
        ] as [(String, String)])
    func runaway(source: String, prefix: String) throws {
        var limits = LuaLimits()
        limits.load = .milliseconds(100)
        limits.memory = 16 << 20
        #expect {
            _ = try TestScript(source, limits: limits)
        } throws: { error in
            (error as? ScriptFailure)?.message.hasPrefix(prefix) == true
        }
    }

    @Test("a script that is not there, or a folder, says so")
    func noFile() throws {
        let folder = try ScriptFolder([:])
        #expect {
            _ = try TestScript(folder: folder)
        } throws: { error in
            (error as? ScriptFailure)?.message == "\(folder.path(of: "agent.lua")): no such file"
        }
        let other = try ScriptFolder(["agent.lua/x": ""])
        #expect {
            _ = try TestScript(folder: other)
        } throws: { error in
            (error as? ScriptFailure)?.message.hasSuffix(": is a directory; name the Lua file in it") == true
        }
    }
}
