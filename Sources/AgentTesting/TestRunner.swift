package import AgentModel
package import AgentScript
import Foundation

/// Runs files of tests, each on a thread and with Lua states of its own.
package struct TestRunner: Sendable {
    /// Seconds of computing time that one test, and the loading of a file, may take.
    package var timeLimit: Double
    /// A part of the names of the tests to run, in upper or lower case; nil: all.
    package var filter: String?
    private let settings: TestHost.Settings
    private let output: @Sendable (String) -> Void

    /// `settings` decides the settings of an agent, from the environment that its test gives it; `output` takes what
    /// files of tests print.
    package init(
        timeLimit: Double = 10, filter: String? = nil,
        settings:
            @escaping @Sendable (AgentRequestForSettings, [String: String]) throws(ScriptFailure) -> AgentSettings,
        output: @escaping @Sendable (String) -> Void
    ) {
        self.timeLimit = timeLimit
        self.filter = filter
        self.settings = settings
        self.output = output
    }

    /// Runs the tests of a file. One that does not end is stopped by its own Lua state or host; one that does not heed
    /// that either is left behind on its thread, is named in the result, and its file ends there.
    package func run(_ path: String) async -> TestFileResult {
        let progress = TestProgress(path: path)
        return await withCheckedContinuation { continuation in
            let runner = Thread { execute(path, progress) }
            runner.name = "test"
            runner.stackSize = 16 << 20
            runner.start()
            let observer = Thread {
                continuation.resume(returning: progress.wait(limit: timeLimit))
            }
            observer.name = "test limit"
            observer.start()
        }
    }

    private func execute(_ path: String, _ progress: TestProgress) {
        progress.begin("loading the file", at: path)
        let file: TestFile
        do throws(ScriptFailure) {
            file = try TestFile(path: path, limit: timeLimit, settings: settings, output: output)
        } catch {
            return progress.end(failure: TestFailure(message: error.message), coverage: [])
        }
        defer { file.close() }
        if let failure = file.load() { return progress.end(failure: failure, coverage: file.coverage.report) }
        for (name, location) in file.all
        where filter.map({ name.range(of: $0, options: .caseInsensitive) != nil }) ?? true {
            progress.begin(name, at: location)
            let begin = ContinuousClock.now
            let failure = file.run(name)
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            progress.add(TestResult(name: name, failure: failure, seconds: seconds))
        }
        progress.end(failure: nil, coverage: file.coverage.report)
    }
}
