import AgentModel
import AgentScript
import TestSupport
import Testing

/// `static` of a declaration.
@Suite("Static folders") struct StaticTests {
    private func script(_ value: String) throws -> TestScript {
        try TestScript(
            "agenthost.agent { name = 'pages',\n  static = \(value) }",
            files: ["public/index.html": "", "sites/a/index.html": "", "page.html": ""])
    }

    @Test("are paths and folders beside the script")
    func declared() throws {
        let script = try script("{ ['/app/'] = './public/', ['/a/b'] = 'sites/a' }")
        let folders = try script.interface.staticFolders
        #expect(folders.map(\.path) == ["/a/b", "/app"])
        #expect(folders.map(\.folder) == ["sites/a", "./public/"])
        #expect(folders.map { $0.directory.hasPrefix("/") } == [true, true])
        #expect(folders[1].directory == script.folder.path(of: "public"))
        #expect(try self.script("{}").interface.staticFolders.isEmpty)
    }

    @Test(
        "that cannot be served are errors of the load, with what to write",
        arguments: [
            ("'public'", "static: a table as { [\"/app\"] = \"public\" } expected, got string"),
            (
                "{ 'public' }",
                "static: a path for each folder expected, as in { [\"/app\"] = \"public\" }, got the key 1"
            ),
            (
                "{ app = 'public' }",
                "static: a path as \"/app\" expected, of plain characters and without parameters, got \"app\""
            ),
            ("{ ['/'] = 'public' }", "static: / is the host's own"), ("{ ['/{x}'] = 'public' }", "without parameters"),
            ("{ ['/a?b'] = 'public' }", "of plain characters"), ("{ ['/a b'] = 'public' }", "of plain characters"),
            ("{ ['/a/../b'] = 'public' }", "of plain characters"), ("{ ['/./a'] = 'public' }", "of plain characters"),
            ("{ ['/a//b'] = 'public' }", "of plain characters"), ("{ ['//'] = 'public' }", "static: "),
            ("{ ['/a'] = 'public', ['/a/'] = 'public' }", "static: /a is there twice"),
            ("{ ['/app'] = 5 }", "static[\"/app\"]: the name of a folder expected, got number"),
            ("{ ['/app'] = {} }", "static[\"/app\"]: the name of a folder expected, got table"),
            ("{ ['/app'] = 'pubic' }", "static[\"/app\"]: there is no folder \"pubic\" beside agent.lua (/"),
            ("{ ['/app'] = 'page.html' }", "static[\"/app\"]: \"page.html\" is a file; name the folder that it is in"),
            ("{ ['/app'] = '/etc' }", "static[\"/app\"]: a folder beside agent.lua expected, got \"/etc\""),
            ("{ ['/app'] = '../x' }", "a folder beside agent.lua expected, got \"../x\""),
            ("{ ['/app'] = 'public/../..' }", "a folder beside agent.lua expected"),
            ("{ ['/app'] = '.' }", "\".\" would serve the script itself"),
            ("{ ['/app'] = '' }", "would serve the script"),
        ])
    func refused(value: String, words: String) throws {
        do {
            _ = try script(value)
            Issue.record("\(value) was taken")
        } catch let failure as ScriptFailure {
            #expect(failure.message.hasPrefix("agent.lua:1: "))
            #expect(failure.message.contains(words), "\(failure.message)")
        }
    }
}
