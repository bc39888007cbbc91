import AgentModel
import AgentScript
import Foundation
import LuaRuntime
import TestSupport
import Testing

/// `agenthost.file.read`.
@Suite struct FileTests {
    private func script(_ files: [String: String] = [:], top: String = "") throws -> TestScript {
        let source = TestScript.probeSource("return agenthost.file.read(task.query)", top: top)
        return try TestScript(source, files: files)
    }

    /// What a handler gets, as a worker reads it.
    private func read(_ path: String, by script: TestScript) throws -> [JSONValue] {
        let run = try script.task("probe", body: "{\"query\":\"\(path)\"}")
        guard case .file(let file)? = script.host.waits.last, run.isWaiting else { return try run.results }
        run.resume { $0.push(file: file.read()) }
        return try run.results
    }

    @Test("a file beside the script is read whole, in a folder too")
    func reads() throws {
        let script = try script(["page.html": "<p>ä</p>", "data/list.csv": "a,b\n", "empty": ""])
        #expect(try read("page.html", by: script) == ["<p>ä</p>"])
        #expect(try read("data/list.csv", by: script) == ["a,b\n"])
        #expect(try read("./data/list.csv", by: script) == ["a,b\n"])
        #expect(try read("empty", by: script) == [""])
    }

    @Test(
        "what is not there, is no file or lies outside the folder is nil and a message",
        arguments: [
            ("none.txt", "none.txt: no such file beside the script"),
            ("data/list.csv/x", "data/list.csv/x: no such file beside the script"),
            ("data", "data: it is no file"),
            ("../agent.lua", "../agent.lua: a path below the script's folder is expected, without .."),
            ("data/../agent.lua", "data/../agent.lua: a path below the script's folder is expected, without .."),
            ("/etc/passwd", "/etc/passwd: a path below the script's folder is expected, without .."),
            ("", ": a path below the script's folder is expected, without .."),
            ("agent.lua\\u0000.html", "agent.lua\u{0}.html: a path below the script's folder is expected, without .."),
            ("out", "out: it leads out of the script's folder"),
            ("way/passwd", "way/passwd: it leads out of the script's folder"),
            ("pipe", "pipe: it is no file"),
        ])
    func refused(path: String, message: String) throws {
        let script = try script(["data/list.csv": "a,b\n"])
        let folder = script.folder.path
        #expect(symlink("/etc/passwd", "\(folder)/out") == 0 && symlink("/etc", "\(folder)/way") == 0)
        #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
        #expect(try read(path, by: script) == [.null, .string(message)])
    }

    @Test("a link within the folder is followed, as mounted configuration has them")
    func links() throws {
        let script = try script([".data/page.html": "page"])
        #expect(symlink(".data", "\(script.folder.path)/..current") == 0)
        #expect(symlink("..current/page.html", "\(script.folder.path)/page.html") == 0)
        #expect(try read("page.html", by: script) == ["page"])
    }

    @Test("a file that is too large is refused with its size")
    func tooLarge() throws {
        let script = try script()
        let path = script.folder.path(of: "large")
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        #expect(truncate(path, 17 << 20) == 0)
        #expect(
            try read("large", by: script)
                == [.null, "large: it has 17,825,792 bytes, and at most 16,777,216 bytes are read"])
    }

    @Test("a file that is read while the script loads belongs to the version")
    func whileLoading() throws {
        let source = TestScript.probeSource("return page", top: "local page = agenthost.file.read('page.html')")
        let script = try TestScript(source, files: ["page.html": "one"])
        #expect(try script.task("probe").results == ["one"])
        #expect(!script.generation.snapshot.isStale())
        let version = script.generation.version
        try script.folder.write("two", to: "page.html")
        #expect(script.generation.snapshot.isStale())
        let next = try TestScript(folder: script.folder, number: 2)
        #expect(try next.task("probe").results == ["two"])
        #expect(next.generation.version != version)
    }

    @Test("a file that was not there while the script loaded is waited for")
    func appears() throws {
        let source = TestScript.probeSource(
            "return page", top: "local page = agenthost.file.read('page.html') or 'none'")
        let script = try TestScript(source)
        #expect(try script.task("probe").results == ["none"])
        #expect(!script.generation.snapshot.isStale())
        try script.folder.write("there", to: "page.html")
        #expect(script.generation.snapshot.isStale())
    }
}
