import AgentTesting
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct ReportTests {
    private func results() async throws -> TestFileResult {
        try await TestFolder().run(
            tests: """
                test("passes", function() end)
                test("fails <&> # \\\\ \\"quoted\\"", function() test.equal({ a = "<x>" }, { a = "]]>&" }) end)
                test("raises \\1", function() error("control \\1 character") end)
                """)
    }

    @Test("the text shows each test, the failure and the count")
    func text() async throws {
        var report = TestReport(format: .text)
        let text = report.add(try await results())
        #expect(text.contains("  ok    passes\n"))
        #expect(text.contains("  FAIL  fails <&> # \\ \"quoted\"\n        agent_test.lua:3: not equal\n"))
        #expect(text.contains("\n          -   a = \"]]>&\",\n          +   a = \"<x>\",\n"))
        #expect(report.end().contains("1 passed, 2 failed, 1 file, "))
        #expect(report.failureCount == 2)
    }

    @Test("TAP numbers the tests of all files and ends with the plan")
    func tap() async throws {
        var report = TestReport(format: .tap)
        var text = report.add(try await results())
        text += report.add(try await results())
        text += report.end()
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "TAP version 14")
        #expect(lines.filter { $0 == "TAP version 14" }.count == 1)
        let points = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(points.count == 6)
        #expect(points[0] == "ok 1 - passes")
        #expect(points[1] == "not ok 2 - fails <&> \\# \\\\ \"quoted\"")
        #expect(points[5].hasPrefix("not ok 6 - raises"))
        #expect(lines.contains("1..6"))
        #expect(lines.filter { $0 == "  ---" }.count == 4)
        #expect(lines.filter { $0 == "  ..." }.count == 4)
    }

    @Test("JUnit is XML that a parser reads, with the counts of the tests")
    func junit() async throws {
        var report = TestReport(format: .junit)
        #expect(report.add(try await results()) == "")
        let document = try XMLDocument(xmlString: report.end())
        let root = try #require(document.rootElement())
        #expect(root.attribute(forName: "tests")?.stringValue == "3")
        #expect(root.attribute(forName: "failures")?.stringValue == "2")
        let cases = try root.nodes(forXPath: "testsuite/testcase")
        #expect(cases.count == 3)
        let failures = try root.nodes(forXPath: "testsuite/testcase/failure")
        #expect(failures.count == 2)
        #expect(failures[0].stringValue?.contains("-   a = \"]]>&\",") == true)
    }

    @Test("test files are found below directories, hidden ones left out")
    func discovery() throws {
        let folder = try TestFolder()
        for name in ["a_test.lua", "b.lua", "sub/c_test.lua", ".hidden/d_test.lua", "sub/deep/e_test.lua"] {
            try folder.write(name, "")
        }
        let found = try TestDiscovery.files(below: [folder.path, "\(folder.path)/a_test.lua"])
        #expect(found == ["a_test.lua", "sub/c_test.lua", "sub/deep/e_test.lua"].map { "\(folder.path)/\($0)" })
        #expect(try TestDiscovery.files(below: ["\(folder.path)/b.lua"]) == ["\(folder.path)/b.lua"])
        #expect(throws: TestDiscovery.MissingPath.self) { try TestDiscovery.files(below: ["\(folder.path)/none"]) }
    }
}
