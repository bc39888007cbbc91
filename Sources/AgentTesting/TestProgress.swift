import Foundation

/// How far a file of tests has come: written by the thread that runs it, awaited by another.
final class TestProgress: @unchecked Sendable {
    /// A test as it runs.
    private struct Step {
        var name: String
        /// Where it is declared.
        var location: String
        /// What the clock of its thread showed when it began.
        var began: Double
        var clock: ThreadClock
        var beganAt = ContinuousClock.now
    }

    // Everything below is guarded by the condition.
    private let condition = NSCondition()
    private var result: TestFileResult
    private var current: Step?
    private var isDone = false
    private let start = ContinuousClock.now

    init(path: String) {
        result = TestFileResult(path: path)
    }

    /// A test begins on the thread that calls; `location` is where it is declared.
    func begin(_ name: String, at location: String) {
        let clock = ThreadClock()
        let step = Step(name: name, location: location, began: clock.seconds ?? 0, clock: clock)
        condition.withLock { current = step }
    }

    func add(_ test: TestResult) {
        condition.withLock { if !isDone { result.tests.append(test) } }
    }

    func end(failure: TestFailure?, coverage: [HandlerCoverage]) {
        condition.withLock {
            guard !isDone else { return }
            result.failure = failure
            result.coverage = coverage
            isDone = true
            condition.broadcast()
        }
    }

    /// Returns when the file is done, or when one test has gone on computing well beyond `limit` seconds, at which its
    /// Lua state or its host should have stopped it: then the test has failed, and what its thread still does counts
    /// no more.
    func wait(limit: Double) -> TestFileResult {
        let pause = min(max(limit / 10, 0.02), 0.5)
        return condition.withLock {
            while !isDone {
                _ = condition.wait(until: Date() + pause)
                if !isDone, let current, isBeyond(limit, current) { abandon(current, limit: limit) }
            }
            result.seconds = (ContinuousClock.now - start) / .seconds(1)
            return result
        }
    }

    private func isBeyond(_ limit: Double, _ step: Step) -> Bool {
        if let now = step.clock.seconds, now - step.began > limit * 1.25 + 0.2 { return true }
        // Nothing in a test blocks its thread. Were it to happen, the file would not be waited for without an end.
        return ContinuousClock.now - step.beganAt > .seconds(limit * 10 + 10)
    }

    private func abandon(_ step: Step, limit: Double) {
        isDone = true
        let message = "the test was given up: it took longer than \(limit.formattedSeconds) s and could not be stopped"
        let failure = TestFailure(message: "\(step.location): \(message)")
        let seconds = (ContinuousClock.now - step.beganAt) / .seconds(1)
        result.tests.append(TestResult(name: step.name, failure: failure, seconds: seconds))
        result.failure = TestFailure(message: "\(result.path): the tests after \"\(step.name)\" were not run")
    }
}
