import AgentHosting
import AgentScript
import AgentTesting
import Foundation
import Synchronization

/// A folder of scripts and tests that is gone when the test is over.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("agent-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    /// Runs a file of tests, as the command does.
    func run(_ name: String, limit: Double = 10, filter: String? = nil) async -> TestFileResult {
        await Self.runner(limit: limit, filter: filter).run("\(path)/\(name)")
    }

    /// Writes a file of tests and runs it.
    func run(tests: String, limit: Double = 10, filter: String? = nil) async throws -> TestFileResult {
        try write("agent_test.lua", "local test = agenthost.test\n" + tests)
        return await run("agent_test.lua", limit: limit, filter: filter)
    }

    static func runner(
        limit: Double = 10, filter: String? = nil, output: @escaping @Sendable (String) -> Void = { _ in }
    ) -> TestRunner {
        TestRunner(
            timeLimit: limit, filter: filter,
            settings: { (agent, environment) throws(ScriptFailure) in
                try ConfigurationResolver(flags: [:], environment: environment).settings(for: agent)
            }, output: output)
    }
}

/// Lines that are written from another thread.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

extension TestFileResult {
    /// Every failure in one text.
    var failures: String {
        (tests.compactMap(\.failure) + [failure].compactMap { $0 }).map(\.message).joined(separator: "\n")
    }

    func failure(of test: String) -> String? { tests.first { $0.name == test }?.failure?.message }
}
