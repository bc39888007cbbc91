/// Tables, calls and strings.
extension SyntaxHint {
    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]

    var ofTables: String? {
        if near == ":" || near.hasPrefix(":") { return ofColon }
        let hasFieldWithColon = zip(here, here.dropFirst()).contains { $0.kind == .word && $1.text == ":" }
        if hasFieldWithColon, complaint == "<name> expected" || complaint == "function arguments expected" {
            return "a field is written name = value in Lua"
        }
        if complaint == "unexpected symbol", near == "[" {
            return "a list is written { 1, 2 } in Lua, without brackets"
        }
        let isName = Self.keywords.contains(near)
        if isName, complaint == "<name> expected" || isKey(near) {
            return "\(near) is a word of Lua's own: as a field it is [\"\(near)\"]"
        }
        if expects("}"), near == "=" { return "a field is written name = value, or [\"name\"] = value, in Lua" }
        if expects("}"), near == "<eof>" { return "a } is missing" }
        if expects("}") { return "a comma, or the }, is missing before \(near)" }
        return nil
    }

    private func isKey(_ word: String) -> Bool {
        zip(here, here.dropFirst()).contains { $0.text == word && $1.text == "=" }
    }

    private var ofColon: String? {
        if zip(here, here.dropFirst()).contains(where: { $0.kind == .string && $1.text == ":" }) {
            return "a field is written name = value, or [\"name\"] = value, in Lua"
        }
        let hasNames = here.opening == "local" || has("function")
        return hasNames ? "Lua has no types beside names: leave them out" : nil
    }

    var ofRest: String? {
        if expects(")"), near != "<eof>", before.closing != "end" {
            return has("//") ? "a comment begins with -- in Lua" : "a comma, or the ), is missing before \(near)"
        }
        if complaint == "syntax error", let comment = here.firstIndex(where: { $0.text == "//" }),
            comment < here.count - 2
        {
            return "a comment begins with -- in Lua; // divides"
        }
        if complaint.hasPrefix("unfinished string") { return "a string ends on its line; [[ and ]] span several" }
        if complaint.hasPrefix("invalid escape sequence") {
            return "a backslash is \\\\ in a string; Lua's patterns have %d where others have \\d"
        }
        if complaint == "unexpected symbol", near == "<eof>", before.closing == "," {
            return "a } or a ) is missing"
        }
        if complaint == "malformed number" { return "a number is digits alone, as 1000, 1.5, 1e3 or 0xFF" }
        return nil
    }
}
