import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// `require`, and the version of a script with its modules.
@Suite struct RequireTests {
    private static let main = """
        local vitals = require "vitals"
        local agent = agenthost.agent { name = "a" }
        agent:task("probe", function() return vitals.limit, require("vitals") == vitals end)
        """

    @Test("a module is loaded once, from a file or a folder's init.lua, nested ones by dots")
    func nested() throws {
        let script = try TestScript(
            Self.main,
            files: [
                "vitals.lua": "local name = ... return { limit = require('lib.limits').systolic, name = name }",
                "lib/limits.lua": "return require 'lib.deep'",
                "lib/deep/init.lua": "loads = 1 return { systolic = 140 }",
            ])
        #expect(try script.task("probe").results == [140, true])
    }

    @Test("a module without a value is true")
    func noValue() throws {
        let script = try TestScript(
            "local m = require 'm' local a = agenthost.agent {} a:task('probe', function() return m, select('#', require 'm') end)",
            files: ["m.lua": "x = 1"])
        #expect(try script.task("probe").results == [true, 1])
    }

    @Test("modules may be required in handlers too")
    func late() throws {
        let script = try TestScript(
            "local a = agenthost.agent {} a:task('probe', function() return require 'm' end)",
            files: ["m.lua": "return 5"])
        #expect(try script.task("probe").results == [5])
    }

    @Test(
        "a module that cannot be had says why",
        arguments: [
            (
                "require 'nope'", [:],
                "agent.lua:1: module 'nope' not found: neither nope.lua nor nope/init.lua is beside agent.lua"
            ),
            (
                "require 'a.b'", [:],
                "agent.lua:1: module 'a.b' not found: neither a/b.lua nor a/b/init.lua is beside agent.lua"
            ),
            (
                "require '../secret'", [:],
                "agent.lua:1: module '../secret': a module's name is words with dots between them"
            ),
            (
                "require '/etc/passwd'", [:],
                "agent.lua:1: module '/etc/passwd': a module's name is words with dots between them"
            ),
            ("require 'a..b'", [:], "agent.lua:1: module 'a..b': a module's name is words with dots between them"),
            ("require ''", [:], "agent.lua:1: module '': a module's name is words with dots between them"),
            ("require()", [:], "agent.lua:1: bad argument 'name' to 'require' (string expected, got nothing)"),
            ("require {}", [:], "agent.lua:1: bad argument 'name' to 'require' (string expected, got table)"),
            ("require 'm'", ["m.lua": "\n\nreturn +"], "m.lua:3: unexpected symbol near '+'"),
            ("require 'm'", ["m.lua": "\nerror('broken')"], "m.lua:2: broken"),
            ("require 'm'", ["m.lua": "return typo"], "m.lua:1: undefined global 'typo'"),
            (
                "require 'a'", ["a.lua": "require 'b'", "b.lua": "require 'a'"],
                "b.lua:1: modules require each other: a → b → a"
            ),
            ("require 'a'", ["a.lua": "\nrequire 'a'"], "a.lua:2: modules require each other: a → a"),
        ] as [(String, [String: String], String)])
    func failures(source: String, files: [String: String], complaint: String) throws {
        let message = try #require(try TestScript.loadFailure(source, files: files))
        #expect(message.hasPrefix(complaint), "\(message)")
    }

    @Test("a module that failed can be tried again, and pcall sees its message")
    func afterFailure() throws {
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            a:task('probe', function()
              local first, message = pcall(require, 'm')
              ready = true
              return first, message, require 'm'
            end)
            """, files: ["m.lua": "if rawget(_G, 'ready') then return 1 end error('not yet')"])
        #expect(try script.task("probe").results == [false, "m.lua:1: not yet", 1])
    }

    @Test("the version is of the script and its modules: 12 hexadecimal digits that change with each byte and name")
    func version() throws {
        func version(_ files: [String: String], _ source: String = Self.main) throws -> String {
            try TestScript(source, files: files).generation.version
        }
        let first = try version(["vitals.lua": "return { limit = 1 }"])
        #expect(first.count == 12 && first.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(try version(["vitals.lua": "return { limit = 1 }"]) == first)
        #expect(try version(["vitals.lua": "return { limit = 1 }", "unused.lua": "x"]) == first)
        #expect(try version(["vitals.lua": "return { limit = 2 }"]) != first)
        #expect(try version(["vitals/init.lua": "return { limit = 1 }"]) != first)
        #expect(try version(["vitals.lua": "return { limit = 1 }"], Self.main + "\n") != first)
    }

    @Test("a snapshot reads each file once, however often it is saved")
    func snapshot() throws {
        let folder = try ScriptFolder(["agent.lua": "agenthost.agent {}", "m.lua": "return 1"])
        let snapshot = ScriptSnapshot(path: folder.path(of: "agent.lua"))
        let before = try snapshot.script()
        #expect(snapshot.module("m")?.file == "m.lua")
        try folder.write("changed", to: "agent.lua")
        try folder.write("changed", to: "m.lua")
        #expect(try snapshot.script() == before)
        #expect(snapshot.module("m")?.bytes == Array("return 1".utf8))
        #expect(snapshot.module("a.b") == nil)
        #expect(snapshot.name == "agent.lua")
        #expect(snapshot.directories.count == 3)
    }
}
