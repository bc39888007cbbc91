/// Goes through the text of an environment file, from its beginning to its end.
struct EnvironmentFileReader {
    typealias Failure = EnvironmentFile.Failure

    private let path: String
    private var rest: Substring
    private var line = 1
    private(set) var variables: [EnvironmentFile.Variable] = []
    private(set) var notices: [String] = []

    init(_ text: String, path: String) {
        self.path = path
        // Windows ends lines with two characters, and begins files with a mark.
        let text = text.replacing("\r\n", with: "\n")
        rest = text.hasPrefix("\u{feff}") ? text.dropFirst() : text[...]
    }

    mutating func readAll() throws(Failure) {
        while let character = rest.first {
            if character == "#" {
                rest = rest.drop { $0 != "\n" }
            } else if character.isWhitespace {
                skip()
            } else {
                try readVariable()
            }
        }
    }

    private mutating func readVariable() throws(Failure) {
        let begun = line
        let head = rest.prefix { $0 != "=" && $0 != "\n" }
        let name = Self.name(head)
        guard rest.dropFirst(head.count).first == "=", Self.isName(name) else {
            // Nothing of the line is shown: it may be one of a secret that lacks its quotes.
            throw failure(
                "expected NAME=VALUE, the name of letters, digits and _; a value of several lines stands in quotes")
        }
        rest = rest.dropFirst(head.count + 1)
        let blanks = rest.prefix { $0 == " " || $0 == "\t" }
        var value: String
        if let quote = rest.dropFirst(blanks.count).first, quote == "\"" || quote == "'" {
            rest = rest.dropFirst(blanks.count + 1)
            value = try readQuoted(quote, of: name, begun: begun)
        } else {
            value = readBare()
        }
        variables.append(EnvironmentFile.Variable(name: String(name), value: value, line: begun))
    }

    /// Up to the end of the line, or to a comment.
    private mutating func readBare() -> String {
        let text = rest.prefix { $0 != "\n" }
        rest = rest.dropFirst(text.count)
        var value = text[...]
        var before: Character = " "
        for index in text.indices {
            if text[index] == "#", before.isWhitespace, index > text.startIndex {
                value = text[..<index]
                break
            }
            before = text[index]
        }
        let trimmed = String(value.trimmed)
        tellExpansion(trimmed)
        return trimmed
    }

    /// What is left of a value in quotes, the closing one and the line's end included.
    private mutating func readQuoted(_ quote: Character, of name: Substring, begun: Int) throws(Failure) -> String {
        var value = ""
        while let character = rest.first {
            skip()
            if character == quote {
                let behind = rest.prefix { $0 != "\n" }
                guard behind.trimmed.isEmpty || behind.trimmed.hasPrefix("#") else {
                    throw failure("there is text behind the closing quote of \(name)")
                }
                rest = rest.dropFirst(behind.count)
                if quote == "\"" { tellExpansion(value, at: begun) }
                return value
            }
            guard character == "\\", let next = rest.first, let meant = Self.meaning(of: next, in: quote) else {
                value.append(character)
                continue
            }
            value.append(meant)
            skip()
        }
        line = begun
        throw failure("the value of \(name) has no closing \(quote)")
    }

    private mutating func skip() {
        if rest.removeFirst() == "\n" { line += 1 }
    }

    /// What an escaped character is; nil: the backslash is one.
    private static func meaning(of character: Character, in quote: Character) -> Character? {
        guard quote == "\"" else { return character == quote ? character : nil }
        return switch character {
        case "n": "\n"
        case "r": "\r"
        case "t": "\t"
        case "\"", "\\", "$": character
        default: nil
        }
    }

    private static func name(_ head: Substring) -> Substring {
        let name = head.trimmed
        guard name.hasPrefix("export"), name.dropFirst(6).first?.isWhitespace == true else { return name }
        return name.dropFirst(6).trimmed
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.first, !first.isNumber else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
    }

    /// Who wrote `${NAME}` may be used to tools that put something in its place.
    private mutating func tellExpansion(_ value: String, at line: Int? = nil) {
        guard let begin = value.firstRange(of: "${"), value[begin.upperBound...].contains("}") else { return }
        notices.append("\(path):\(line ?? self.line): ${…} is taken as it stands, in single quotes without this notice")
    }

    private func failure(_ text: String) -> Failure { Failure(description: "\(path):\(line): \(text)") }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let begun = drop(while: \.isWhitespace)
        guard let last = begun.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return begun[...last]
    }
}
