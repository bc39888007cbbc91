/// The Test Anything Protocol, version 14 (testanything.org/tap-version-14-specification.html).
extension TestReport {
    func tap(of file: TestFileResult, after count: Int) -> String {
        var text = count == 0 && files.count == 1 ? "TAP version 14\n" : ""
        text += "# \(Self.plain(file.path))\n"
        for (index, test) in file.points.enumerated() {
            let status = test.failure == nil ? "ok" : "not ok"
            text += "\(status) \(count + index + 1) - \(Self.described(test.name))\n"
            guard let failure = test.failure else { continue }
            text += "  ---\n  message: |\n"
            text += failure.lines.map { "    \(Self.plain($0))\n" }.joined()
            text += "  ...\n"
        }
        return text
    }

    /// A `#` would begin a directive, and a `\` an escape.
    private static func described(_ name: String) -> String {
        plain(name).replacing("\\", with: "\\\\").replacing("#", with: "\\#")
    }

    /// Without what cannot stand in a line, or in YAML.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
