/// Tells what became of tests, in one of three formats.
package struct TestReport {
    package enum Format: String, CaseIterable, Sendable {
        /// For people.
        case text
        /// Test Anything Protocol, version 14.
        case tap
        /// The XML that build servers read.
        case junit
    }

    private let format: Format
    /// With a filter, handlers that are not called mean nothing.
    private let showsCoverage: Bool
    private(set) var files: [TestFileResult] = []
    private var tapCount = 0

    package init(format: Format, showsCoverage: Bool = true) {
        self.format = format
        self.showsCoverage = showsCoverage
    }

    package var failureCount: Int { files.reduce(0) { $0 + $1.failureCount } }
    package var testCount: Int { files.reduce(0) { $0 + $1.tests.count } }

    /// What to print once a file is done.
    package mutating func add(_ file: TestFileResult) -> String {
        files.append(file)
        switch format {
        case .text: return text(of: file)
        case .tap:
            let text = tap(of: file, after: tapCount)
            tapCount += file.points.count
            return text
        case .junit: return ""
        }
    }

    /// What to print at the end.
    package func end() -> String {
        switch format {
        case .text: summary
        case .tap: "1..\(tapCount)\n" + coverageLines.map { "# \($0)\n" }.joined()
        case .junit: junit
        }
    }

    var coverageLines: [String] {
        guard showsCoverage else { return [] }
        let coverage = HandlerCoverage.merged(files.flatMap(\.coverage))
        let called = coverage.reduce(0) { $0 + $1.called.count }
        let missed = coverage.reduce(0) { $0 + $1.missed.count }
        guard called + missed > 0 else { return [] }
        let lines = ["\(called) of \(called + missed) handlers called"]
        let gaps = coverage.filter { !$0.missed.isEmpty }
        return lines + gaps.map { "never called in \($0.script): \($0.missed.joined(separator: ", "))" }
    }
}

extension TestFileResult {
    /// The tests, and the file itself where it failed.
    var points: [TestResult] {
        failure.map { tests + [TestResult(name: path, failure: $0, seconds: 0)] } ?? tests
    }
}

extension TestFailure {
    /// Everything that is known of it, a line each.
    var lines: [String] {
        var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let traceback {
            // One frame is the line that the message names already.
            let frames = traceback.split(separator: "\n").filter { $0.hasPrefix("\t") }
            if frames.count > 1 { lines += ["stack traceback:"] + frames.map { "  \($0.dropFirst())" } }
        }
        if !log.isEmpty { lines.append("log:") }
        for line in log { lines.append("  " + line.split(whereSeparator: \.isNewline).joined(separator: "\\n")) }
        return lines
    }
}
