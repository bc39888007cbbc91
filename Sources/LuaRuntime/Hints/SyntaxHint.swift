/// What was probably meant where a text is not Lua, for people who know other languages better. Only for a text that the
/// compiler has refused: its complaint stands, and this comes behind it.
struct SyntaxHint {
    /// The compiler's complaint, without its place.
    let complaint: String
    /// What the complaint is near: a piece of the source, or `<eof>`.
    let near: String
    /// The line that the compiler complains about.
    let here: [SourceToken]
    /// The last line before it that is not empty.
    let before: [SourceToken]
    let lines: [[SourceToken]]
    private let source: [UInt8]

    /// Bytes; a longer text is not looked at.
    private static let longest = 1 << 18

    /// The hint for a message of the compiler's, "file:line: complaint near 'what'"; nil when there is none.
    static func text(for message: String, in source: UnsafeRawBufferPointer) -> String? {
        guard source.count <= longest, let hint = SyntaxHint(message: message, source: Array(source)) else {
            return nil
        }
        return hint.ofWholeText ?? hint.ofForeignBlocks ?? hint.ofWords ?? hint.ofSigns ?? hint.ofBlocks ?? hint
            .ofTables
            ?? hint.ofRest
    }

    private init?(message: String, source: [UInt8]) {
        let parts = message.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let line = Int(parts[1]) else { return nil }
        let (complaint, near) = Self.split(parts[2].drop { $0 == " " })
        guard !near.isEmpty else { return nil }
        self.complaint = complaint
        self.near = near
        self.source = source
        var lines: [[SourceToken]] = []
        for token in SourceToken.tokens(of: source) {
            if lines.last?.last?.line == token.line {
                lines[lines.count - 1].append(token)
            } else {
                lines.append([token])
            }
        }
        self.lines = lines
        here = lines.first { $0[0].line == line } ?? []
        before = lines.last { $0[0].line < line } ?? []
    }

    private static func split(_ text: Substring) -> (complaint: String, near: String) {
        let words = text.split(separator: " near ", maxSplits: 1)
        guard words.count == 2 else { return (String(text), "") }
        let near = words[1]
        let isQuoted = near.count > 2 && near.first == "'" && near.last == "'"
        return (String(words[0]), String(isQuoted ? near.dropFirst().dropLast() : near))
    }

    func expects(_ what: String) -> Bool { complaint.hasPrefix("'\(what)' expected") }

    func has(_ text: String) -> Bool { here.contains { $0.text == text && $0.kind != .string } }

    /// The line as it was written.
    func text(of line: [SourceToken]) -> Substring {
        guard let number = line.first?.line else { return "" }
        let lines = source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return number <= lines.count ? Substring(String(decoding: lines[number - 1], as: UTF8.self)) : ""
    }
}

extension [SourceToken] {
    /// The words that a line begins and ends with; empty for an empty line.
    var opening: String { first?.text ?? "" }
    var closing: String { last?.text ?? "" }
}

// MARK: - The whole text

extension SyntaxHint {
    private static let blockWords: Set<String> = [
        "if", "elif", "else", "for", "while", "def", "class", "try", "except", "finally", "with", "async",
    ]
    private static let braceWords: Set<String> = [
        "if", "}", "else", "elseif", "for", "while", "function", "switch", "catch",
    ]
    private static let declaringWords: Set<String> = ["const", "let", "var", "export"]

    /// A block of Python: `if x:`.
    private func opensWithColon(_ line: [SourceToken]) -> Bool {
        line.count > 1 && line.closing == ":" && Self.blockWords.contains(line.opening)
    }

    /// A block in braces: `if (x) {`, `} else {`. A table may stand behind a call too, `return make(x) {`.
    private func opensWithBrace(_ line: [SourceToken]) -> Bool {
        guard let brace = line.firstIndex(where: { $0.text == "{" }), brace > 0 else { return false }
        switch line[brace - 1].text {
        case "else", "try", "finally": return brace == line.count - 1
        case ")":
            return Self.braceWords.contains(line.opening) || line[..<brace].contains { $0.text == "function" }
                ? !line[..<brace].contains { ["then", "do", "return", "local"].contains($0.text) } : false
        default: return false
        }
    }

    private func isLua(_ line: [SourceToken]) -> Bool {
        ["local", "end", "return", "until"].contains(line.opening) && line.closing != ";"
            || ["then", "do", "end"].contains(line.closing) || line.opening == "function" && line.closing != "{"
    }

    /// A text of another language altogether.
    fileprivate var ofWholeText: String? {
        let texts = lines.prefix(200)
        if texts.first?.opening == "{", texts.first.map({ $0.count == 1 || $0[1].kind == .string }) == true {
            return "the file is JSON; a Lua script is expected"
        }
        guard !texts.contains(where: isLuaBeyondDoubt) else { return nil }
        let python = texts.count { line in
            opensWithColon(line) || ["import", "from", "@"].contains(line.opening) && line.closing != ";"
        }
        if python >= 2 { return "the file is Python; a Lua script is expected" }
        let pairs = texts.count { line in
            line.count > 1 && line[0].kind == .word && line[1].text == ":" && !line.contains { $0.text == "(" }
        }
        if pairs >= 2 { return "the file is YAML; a Lua script is expected" }
        let script = texts.count { line in
            Self.declaringWords.contains(line.opening) || opensWithBrace(line) || line.contains { $0.text == "=>" }
                || line.opening == "import" && line.closing == ";"
        }
        return script >= 2 ? "the file is JavaScript; a Lua script is expected" : nil
    }

    private func isLuaBeyondDoubt(_ line: [SourceToken]) -> Bool {
        // What Python and JavaScript return looks like what Lua does.
        line.opening != "return" && isLua(line)
    }
}

// MARK: - Blocks

extension SyntaxHint {
    fileprivate var ofForeignBlocks: String? {
        let isLater = near == "}" || near == "<eof>"
        if opensWithColon(here) || opensWithColon(before) || isLater && lines.contains(where: opensWithColon) {
            return "a block has no colon in Lua: if … then … end, for … do … end, function name(…) … end"
        }
        if opensWithBrace(here) || opensWithBrace(before) || isLater && lines.contains(where: opensWithBrace) {
            return "blocks have no braces in Lua: if … then … end, while … do … end, function name(…) … end"
        }
        return nil
    }

    fileprivate var ofBlocks: String? {
        if expects("then") { return ofCondition }
        if expects("do") { return "a loop is written for … do … end, or while … do … end" }
        if expects("end"), near == "<eof>" {
            let elseIfs = lines.filter { line in
                zip(line, line.dropFirst()).contains { $0.text == "else" && $1.text == "if" }
            }
            if let line = elseIfs.first?.first?.line {
                return "the else if of line \(line) opens another if, with an end of its own: elseif is one word in Lua"
            }
            return Self.missingEnd
        }
        if complaint == "unexpected symbol", near == ")" {
            return here.map(\.text) == ["end", ")"] ? Self.missingEnd : "there is a ) too many"
        }
        if near == "if", has("else"), !has("then") { return Self.conditionalValue }
        let hasReturned = before.opening == "return" || here.dropLast().contains { $0.text == "return" }
        if expects("end") || complaint == "<eof> expected", hasReturned, near != "end" {
            return "return is the last statement of its block"
        }
        if complaint == "<eof> expected", near == "end" { return "there is an end too many" }
        if expects(")"), near == "end" { return "a ) is missing, or there is an end too many" }
        if expects(")"), before.closing == "end" || here.opening == "end" {
            return "the call around a function ends with \"end)\""
        }
        return nil
    }

    private static let missingEnd = "an end is missing: each function, if, for, while and do has one"

    private static let conditionalValue = "Lua writes c and a or b for a if c else b"

    private var ofCondition: String {
        switch near {
        case "else": Self.conditionalValue
        case "=": "= assigns; == compares"
        case "is": "Lua writes == for is, ~= for is not, nil for None"
        case "in", "not": "in is for loops in Lua: t[key] ~= nil says whether a table has a key"
        default: "an if is written if … then … end"
        }
    }
}
