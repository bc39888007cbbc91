import AgentModel
import AgentScript
import LuaRuntime
import TestSupport
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
        #expect(try script.task("probe").results == [5, "m.lua"])
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
            ("require 'io'", [:], "agent.lua:1: module 'io' is not there: an agent reaches no files or processes"),
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

    @Test("files of others read undefined globals as nil, the agent's own are strict; _G answers nil everywhere")
    func strictness() throws {
        let probe =
            "return { jit == nil, unpack, _G.jit == nil, rawget(_G, 'setfenv') == nil, pcall(function() return typo end) }"
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            a:task('probe', function()
              return require('one')[5], require('lib.two')[5], require('three')[5], require('own')[1], _G.typo == nil
            end)
            """,
            files: [
                "lib/one.lua": probe, "lib/two.lua": probe, "lua_modules/share/lua/5.4/three/init.lua": probe,
                "own.lua": "return { (pcall(function() return typo end)) }",
            ])
        #expect(try script.task("probe").results == [true, true, true, false, true])
    }

    @Test("others' files find an io that reaches no file and whose output is logged, and no environment")
    func inputAndOutput() throws {
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            a:task('probe', function()
              local m = require 'm'
              m.say()
              return m.opened, m.why, m.same, m.kind, m.variable == nil, _G.io == nil, (pcall(require, 'io')), (pcall(function() return os.getenv end))
            end)
            """,
            files: [
                "lib/m.lua": """
                local stdout = io.stdout
                local opened, why = io.open('/etc/passwd')
                return {
                  opened = opened == nil, why = why, same = require 'io' == io, kind = io.type(stdout), variable = os.getenv 'HOME',
                  say = function() stdout:write('one\\nt', 2):write('o\\n') io.write('three') io.stderr:write('four\\n') end,
                }
                """
            ])
        #expect(
            try script.task("probe").results == [
                true, "/etc/passwd: an agent reaches no files or processes", true, "file", true, true, false, false,
            ])
        #expect(script.host.lines.map(\.message) == ["one", "t2o", "four"])
    }

    @Test("_G reads, writes and lists the globals, raw access too")
    func globals() throws {
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            _G.first = 1
            second = 2
            rawset(_G, 'third', 3)
            a:task('probe', function()
              local seen = 0
              for name in pairs(_G) do if name == 'first' or name == 'second' or name == 'third' then seen = seen + 1 end end
              return first, _G.second, rawget(_G, 'third'), seen, next(_G) ~= nil, _G._G == _G, rawset(_G, 'x', 1) == _G
            end)
            """)
        #expect(try script.task("probe").results == [1, 2, 3, 3, true, true, true])
    }

    @Test("require gives the standard libraries, what package.preload has and what a module puts in package.loaded")
    func package() throws {
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            package.preload.made = function(name, where) return { name = name, where = where } end
            a:task('probe', function()
              local m, from = require 'made'
              return require 'string' == string, require '_G' == _G, require 'debug' == debug, require 'agenthost' == agenthost,
                m.name .. from, require 'early'.ok, package.loaded.made == m, package.config:sub(1, 1)
            end)
            """, files: ["early.lua": "local M = {} package.loaded[...] = M M.ok = require 'early' == M"])
        #expect(
            try script.task("probe").results == [true, true, true, true, "made:preload:", true, true, "/"])
    }

    @Test("package.path says where modules are looked for, inside the script's folder only")
    func packagePath() throws {
        let script = try TestScript(
            """
            local a = agenthost.agent {}
            package.path = package.path .. ';vendor/?.lua;/etc/?.lua;../?.lua'
            a:task('probe', function()
              return require 'v', package.searchpath('v', package.path), (package.searchpath('nope', package.path)), (pcall(require, 'hosts'))
            end)
            """, files: ["vendor/v.lua": "return 5"])
        #expect(try script.task("probe").results == [5, "vendor/v.lua", nil, false])
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
        #expect(try script.task("probe").results == [false, "m.lua:1: not yet", 1, "m.lua"])
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
        #expect(snapshot.paths.isSuperset(of: ["agent.lua", "m.lua", "a/b.lua"].map { folder.path(of: $0) }))
        #expect(snapshot.paths.contains(folder.path(of: "lua_modules/share/lua/5.4/a/b/init.lua")))
    }
}
