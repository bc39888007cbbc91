import AgentTesting
import Foundation
import Testing

@Suite struct ExampleTests {
    private static let examples = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("examples").path

    @Test("every example has tests, and they pass")
    func examplesAreGreen() async throws {
        let files = try TestDiscovery.files(below: [Self.examples])
        #expect(files.count >= 6)
        var coverage: [HandlerCoverage] = []
        for file in files {
            let result = await TestFolder.runner().run(file)
            #expect(result.failures == "")
            #expect(!result.tests.isEmpty)
            coverage += result.coverage
        }
        let missed = HandlerCoverage.merged(coverage).flatMap(\.missed)
        #expect(missed == [])
    }
}
