extension Setting {
    /// The table of settings as the documentation shows it, in Markdown.
    package static func documentation() -> String {
        var lines = ["| variable | in Lua | default | what it is |", "|---|---|---|---|"]
        for setting in all {
            let variables = setting.variables.map { "`\($0)`" }.joined(separator: " or ")
            let shown = setting.defaultValue?.shown ?? ""
            let field = setting.isSecret ? "" : "`config.\(setting.field)`"
            let cells = [variables, field, shown.isEmpty ? "" : "`\(shown)`", setting.summary + expected(setting)]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func expected(_ setting: Setting) -> String {
        if setting.kind == .text { return setting.isSecret ? " Secret." : "" }
        return " Expects \(setting.kind.expectation)." + (setting.isSecret ? " Secret." : "")
    }
}
