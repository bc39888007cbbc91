import Foundation

/// For people.
extension TestReport {
    func text(of file: TestFileResult) -> String {
        var text = "\(file.path)\n"
        for test in file.tests {
            text += "  \(test.failure == nil ? "ok  " : "FAIL")  \(test.name)\(Self.duration(test.seconds))\n"
            if let failure = test.failure { text += Self.indented(failure) }
        }
        if let failure = file.failure {
            text += "  FAIL  \(file.path)\n" + Self.indented(failure)
        }
        if file.tests.isEmpty, file.failure == nil { text += "  no tests\n" }
        return text
    }

    private static func indented(_ failure: TestFailure) -> String {
        failure.lines.map { "        \($0)\n" }.joined()
    }

    /// Only where it is long.
    private static func duration(_ seconds: Double) -> String {
        seconds < 0.5 ? "" : "  (\(String(format: "%.1f", seconds)) s)"
    }

    var summary: String {
        let passed = files.reduce(0) { $0 + $1.passedCount }
        let seconds = files.reduce(0) { $0 + $1.seconds }
        var lines = coverageLines
        let count = "\(files.count) file\(files.count == 1 ? "" : "s")"
        lines.append("\(passed) passed, \(failureCount) failed, \(count), \(String(format: "%.2f", seconds)) s")
        return "\n" + lines.map { "\($0)\n" }.joined()
    }
}
