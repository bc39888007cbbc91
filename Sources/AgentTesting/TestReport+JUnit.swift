import Foundation

/// The XML of JUnit, as Jenkins and GitLab read it.
extension TestReport {
    var junit: String {
        let tests = files.reduce(0) { $0 + $1.points.count }
        let seconds = files.reduce(0) { $0 + $1.seconds }
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        xml += "<testsuites tests=\"\(tests)\" failures=\"\(failureCount)\" time=\"\(Self.time(seconds))\">\n"
        for file in files {
            let name = Self.escaped(file.path)
            xml += "  <testsuite name=\"\(name)\" tests=\"\(file.points.count)\" failures=\"\(file.failureCount)\""
            xml += " errors=\"0\" time=\"\(Self.time(file.seconds))\">\n"
            for test in file.points {
                xml += "    <testcase classname=\"\(name)\" name=\"\(Self.escaped(test.name))\""
                xml += " time=\"\(Self.time(test.seconds))\""
                guard let failure = test.failure else {
                    xml += "/>\n"
                    continue
                }
                let first = failure.message.prefix { !$0.isNewline }
                xml += ">\n      <failure message=\"\(Self.escaped(String(first)))\">"
                xml += Self.escaped(failure.lines.joined(separator: "\n")) + "</failure>\n    </testcase>\n"
            }
            xml += "  </testsuite>\n"
        }
        return xml + "</testsuites>\n"
    }

    private static func time(_ seconds: Double) -> String { String(format: "%.3f", seconds) }

    /// Characters that XML 1.0 does not have at all become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
