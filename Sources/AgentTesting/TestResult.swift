/// What became of one test.
package struct TestResult: Sendable {
    package var name: String
    /// nil: it passed.
    package var failure: TestFailure?
    /// Of wall time.
    package var seconds: Double
}

/// Why a test, or the loading of its file, failed.
package struct TestFailure: Sendable {
    /// How many of the last lines of a log are kept.
    static let longestLog = 20

    /// `file:line: what is wrong`, and below it what was expected and what came.
    package var message: String
    /// The script's frames; nil for none.
    package var traceback: String?
    /// The last lines that the hosts under test have logged.
    package var log: [String] = []
}

/// What became of a file of tests.
package struct TestFileResult: Sendable {
    package var path: String
    package var tests: [TestResult] = []
    /// Why the file itself could not be run, or not to its end.
    package var failure: TestFailure?
    package var coverage: [HandlerCoverage] = []
    /// Of wall time.
    package var seconds = 0.0

    package var failureCount: Int { tests.count { $0.failure != nil } + (failure == nil ? 0 : 1) }
    package var passedCount: Int { tests.count { $0.failure == nil } }
}
