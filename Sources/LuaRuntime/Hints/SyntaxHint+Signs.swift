/// Words and signs of other languages, and what is written in their place.
extension SyntaxHint {
    private static let openingWords: [String: String] = [
        "let": "Lua writes local for let", "const": "Lua writes local for const",
        "var": "Lua writes local for var", "def": "a function is written function name(…) … end",
        "func": "a function is written function name(…) … end", "fn": "a function is written function name(…) … end",
        "import": "a module is loaded by local name = require \"name\"",
        "from": "a module is loaded by local name = require \"name\"",
        "export": "a module returns what it has to give: return { name = name }",
        "elif": "Lua writes elseif … then for elif", "elsif": "Lua writes elseif … then for elsif",
        "switch": "Lua has no switch: if … then … elseif … then … else … end",
        "case": "Lua has no switch: if … then … elseif … then … else … end",
        "try": "errors are caught by local ok, message = pcall(function() … end)",
        "except": "errors are caught by local ok, message = pcall(function() … end)",
        "catch": "errors are caught by local ok, message = pcall(function() … end)",
        "throw": "an error is raised by error(\"…\")", "raise": "an error is raised by error(\"…\")",
        "class": "Lua has no classes: a table holds functions",
        "foreach": "a loop over a list is written for _, item in ipairs(list) do … end",
        "pass": "Lua has no pass: an empty block stays empty",
        "with": "Lua has no with: what is open is closed by its own function",
        "global": "a variable without local is global in Lua", "del": "a value is taken away by name = nil",
        "unless": "Lua writes if not … then for unless",
    ]
    private static let innerWords: [String: String] = [
        "async": "what waits looks synchronous: leave async out",
        "await": "what waits looks synchronous: leave await out",
        "lambda": "a function is written function(x) return … end",
        "new": "Lua has no new: call the function that makes the value",
        "continue": "Lua has no continue: goto continue, with ::continue:: before the loop's end",
    ]
    private static let signs: [String: String] = [
        "!=": "Lua writes ~= for !=", "!==": "Lua writes ~= for !==", "<>": "Lua writes ~= for <>",
        "===": "Lua writes == for ===", "&&": "Lua writes and for &&", "||": "Lua writes or for ||",
        "??": "Lua writes or for ??",
        "!": "Lua writes not for !", "**": "Lua writes ^ for **", ":=": "Lua writes local name = … for name := …",
        "=>": "a function is written function(x) … end", "->": "a function is written function(x) … end",
        "?.": "Lua has no ?.: write x and x.field", "?": "Lua writes c and a or b for c ? a : b",
        "@": "Lua has no decorators: give the function to the one that takes it",
        "`": "a string stands in \" or ', or in [[ and ]]",
        "/*": "a comment begins with -- in Lua", "*/": "a comment begins with -- in Lua",
    ]

    var ofWords: String? {
        let followsKeyword = here.count > 1 && ["(", "{", "=", ".", ":", ","].contains(here[1].text)
        if let first = here.first, first.kind == .word, let hint = Self.openingWords[first.text] {
            // `from = 1` and `case(…)` are Lua.
            if !followsKeyword || ["import", "switch", "catch"].contains(first.text) { return hint }
        }
        if let hint = ofWordsWithinLine { return hint }
        if ["continue", "pass"].contains(before.opening), before.count == 1 {
            return Self.innerWords[before.opening] ?? Self.openingWords[before.opening]
        }
        for (token, next) in zip(here, here.dropFirst()) where token.kind == .word {
            let isCommand = next.kind == .word || next.kind == .string || ["(", ":"].contains(next.text)
            if isCommand, let hint = Self.innerWords[token.text] { return hint }
        }
        if here.opening == "for", here.count > 1, here[1].text == "(" {
            return "a loop is written for i = 1, 10 do … end, or for _, item in ipairs(list) do … end"
        }
        for name in ["print", "assert"] where here.opening == name && here.count > 1 && here[1].text != "(" {
            return "\(name) is a function: \(name)(…)"
        }
        return nil
    }

    /// Words that stand behind others in a line, where they can be nothing but a command: `if x then raise Error end`.
    private var ofWordsWithinLine: String? {
        if ["elif", "elsif", "except", "catch"].contains(near) { return Self.openingWords[near] }
        guard complaint == "syntax error" else { return nil }
        let culprit = zip(here, here.dropFirst()).first { $1.text == near && $0.kind == .word && $1.kind != .string }
        return culprit.flatMap { Self.openingWords[$0.0.text] }
    }

    var ofSigns: String? {
        if here.opening == "//" || near == "#" || near == "*" && has("/*") { return "a comment begins with -- in Lua" }
        for (index, token) in here.enumerated() where token.kind == .symbol {
            if let hint = Self.signs[token.text] { return hint }
            if token.text == "++" { return increment(before: index, "+ 1", of: here, sign: "++") }
            if token.text.count > 1, token.text.hasSuffix("="), "+-*/%.|&".contains(token.text.first ?? " ") {
                return increment(before: index, "\(token.text.dropLast()) …", of: here, sign: token.text)
            }
        }
        for line in [here, before] where isDecrement(line) {
            return "-- begins a comment; " + increment(before: line.count, "- 1", of: line, sign: "--")
        }
        if near == "|", complaint == "unexpected symbol" { return "a function is written function(x) … end" }
        return ofCharacters
    }

    /// "Lua has no +=: total = total + …".
    private func increment(before index: Int, _ change: String, of line: [SourceToken], sign: String) -> String {
        let name = line[..<index].suffix { $0.kind == .word || $0.text == "." }.map(\.text).joined()
        let variable = name.isEmpty ? "x" : name
        return "Lua has no \(sign): \(variable) = \(variable) \(change)"
    }

    /// `count--`, of which Lua sees the name alone.
    private func isDecrement(_ line: [SourceToken]) -> Bool {
        guard complaint == "syntax error", line.allSatisfy({ $0.kind == .word || $0.text == "." }) else { return false }
        let text = text(of: line).filter { $0 != " " && $0 != "\t" && $0 != "\r" && $0 != ";" }
        return text.hasSuffix("--")
    }

    /// Characters that come from text processors and web pages.
    private var ofCharacters: String? {
        guard near.hasPrefix("<\\"), let token = here.first(where: { $0.text.utf8.first.map { $0 >= 0x80 } ?? false })
        else { return nil }
        switch token.text.unicodeScalars.first {
        case "\u{201C}", "\u{201D}", "\u{201E}", "\u{2018}", "\u{2019}":
            return "a typographic quotation mark stands there; Lua's are \" and '"
        case "\u{A0}", "\u{200B}", "\u{FEFF}", "\u{2028}": return "an invisible character stands there; take it out"
        case "\u{2260}": return "Lua writes ~= for ≠"
        default: return "names are of the letters a to z, digits and _ in Lua; other characters stand in strings"
        }
    }
}

extension [SourceToken].SubSequence {
    /// The longest end of which all tokens are so.
    fileprivate func suffix(_ isPart: (SourceToken) -> Bool) -> Self {
        self[(lastIndex { !isPart($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}
