/// Tables, calls and strings.
extension SyntaxHint {
    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]

    var ofTables: String? {
        if near == ":" || near.hasPrefix(":") { return ofColon }
        if hasFieldWithColon { return "a field is written name = value in Lua" }
        if complaint == "unexpected symbol", near == "[", here.opening != "[" {
            return "a list is written { 1, 2 } in Lua, without brackets"
        }
        let isName = Self.keywords.contains(near)
        if isName, complaint == "<name> expected" || isKey(near) {
            return "\(near) is a word of Lua's own: as a field it is [\"\(near)\"]"
        }
        if expects("}"), near == "=" { return "a field is written name = value, or [\"name\"] = value, in Lua" }
        if expects("}"), near == "<eof>" || near == ")" { return "a } is missing" }
        if expects("}"), has("...") { return "Lua has no spread: a loop copies what another table has" }
        if expects("}") { return "a comma, or the }, is missing before '\(near)'" }
        if here.opening == "local", let hint = Self.locals[near] { return hint }
        return ofText
    }

    private static let locals = [
        "-": "names have letters, digits and _ in Lua, and no -",
        ".": "local makes a variable; a field is set without it",
        "==": "= assigns; == compares",
        "{": "Lua writes local a, b = t.a, t.b for a list of fields",
    ]

    /// `name: value`, where Lua looks for the arguments of a method.
    private var hasFieldWithColon: Bool {
        let distance: Int
        switch complaint {
        case "<name> expected": distance = 2
        case "function arguments expected": distance = 3
        default: return false
        }
        return here.indices.dropLast(distance).contains { index in
            here[index].kind == .word && here[index + 1].text == ":" && here[index + distance].text == near
        }
    }

    /// What texts are put together and taken apart with.
    private var ofText: String? {
        guard complaint == "unexpected symbol" || expects(")") else { return nil }
        if zip(here, here.dropFirst()).contains(where: { $0.text == "\"\"" && $1.text.hasPrefix("\"") })
            || here.contains(where: { $0.text == "\"\"" }) && near.hasPrefix("\"\"")
        {
            return "a text over several lines stands in [[ and ]] in Lua"
        }
        switch near {
        case ".": return "texts are put together with .. in Lua"
        case "/": return "Lua has patterns in texts: (\"…\"):match(\"%d+\")"
        default: return nil
        }
    }

    private func isKey(_ word: String) -> Bool {
        zip(here, here.dropFirst()).contains { $0.text == word && $1.text == "=" }
    }

    private var ofColon: String? {
        if expects("]") { return "Lua has no slices: text:sub(first, last), or table.move for lists" }
        if zip(here, here.dropFirst()).contains(where: { $0.kind == .string && $1.text == ":" }) {
            return "a field is written name = value, or [\"name\"] = value, in Lua"
        }
        let hasNames = here.opening == "local" || has("function")
        return hasNames ? "Lua has no types beside names: leave them out" : nil
    }

    var ofRest: String? {
        let isNamed = zip(here, here.dropFirst()).contains { $0.text == "function" && $1.kind == .word }
        if expects("("), isNamed { return "a function's parameters stand in parentheses: function(x) … end" }
        if complaint == "<name> expected", near == "(", has("function") {
            return "a function without a name is a value: name = function(…) … end, or f(\"…\", function(…) … end)"
        }
        if expects(")"), near == "=" { return "arguments have no names in Lua: a table has, f { name = value }" }
        if expects(")"), near == "return" { return "a function is written function(x) … end" }
        if expects(")"), near != "<eof>", before.closing != "end" {
            return has("//") ? "a comment begins with -- in Lua" : "a comma, or the ), is missing before '\(near)'"
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
        if complaint == "malformed number", near.contains("..") { return "a loop is written for i = 1, 10 do … end" }
        if complaint == "malformed number" { return "a number is digits alone, as 1000, 1.5, 1e3 or 0xFF" }
        return nil
    }
}
