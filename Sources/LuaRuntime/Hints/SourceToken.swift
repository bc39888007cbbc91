/// A piece of a text that is meant to be Lua and may be of another language: finer than Lua's own scanner where others
/// have a sign that Lua has not (`!=`, `+=`, `&&`), and without its comments.
struct SourceToken: Equatable {
    enum Kind { case word, number, string, symbol }

    let kind: Kind
    let text: String
    /// From 1.
    let line: Int

    /// Signs of several characters, Lua's and others', the longest first.
    private static let signs: [[UInt8]] = [
        "===", "!==", "...", "..=", "==", "~=", "!=", "<=", ">=", "<>", "=>", "->", ":=", "+=", "-=", "*=", "/=", "%=",
        "|=", "&=",
        "++", "**", "&&", "||", "??", "?.", "//", "/*", "*/", "::", "..",
    ].map { Array($0.utf8) }

    static func tokens(of source: [UInt8]) -> [SourceToken] {
        var scanner = Scanner(source: source)
        while scanner.next() {}
        return scanner.tokens
    }

    private struct Scanner {
        let source: [UInt8]
        var tokens: [SourceToken] = []
        private var at = 0
        private var line = 1

        init(source: [UInt8]) { self.source = source }

        /// False at the end.
        mutating func next() -> Bool {
            guard at < source.count else { return false }
            let byte = source[at]
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                at += 1
            case 0...0x20: at += 1
            case UInt8(ascii: "\""), UInt8(ascii: "'"): string(byte)
            case UInt8(ascii: "["):
                if let end = longBracket(from: at) { take(.string, end) } else { take(.symbol, at + 1) }
            case UInt8(ascii: "-") where at + 1 < source.count && source[at + 1] == byte: comment()
            case UInt8(ascii: "0")...UInt8(ascii: "9"): take(.number, end(from: at, Self.isWord))
            case _ where byte >= 0x80: take(.symbol, end(from: at) { $0 >= 0x80 })
            case _ where Self.isWord(byte): take(.word, end(from: at, Self.isWord))
            default: take(.symbol, at + (signs { source[at...].starts(with: $0) }?.count ?? 1))
            }
            return true
        }

        private func signs(_ isMeant: ([UInt8]) -> Bool) -> [UInt8]? { SourceToken.signs.first(where: isMeant) }

        private static func isWord(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }

        private func end(from start: Int, _ isPart: (UInt8) -> Bool) -> Int {
            source[start...].firstIndex { !isPart($0) } ?? source.count
        }

        private mutating func take(_ kind: Kind, _ end: Int) {
            tokens.append(SourceToken(kind: kind, text: String(decoding: source[at..<end], as: UTF8.self), line: line))
            line += source[at..<end].count { $0 == UInt8(ascii: "\n") }
            at = end
        }

        /// To the quote that closes it, or the end of the line.
        private mutating func string(_ quote: UInt8) {
            var end = at + 1
            while end < source.count, source[end] != quote, source[end] != UInt8(ascii: "\n") {
                end += source[end] == UInt8(ascii: "\\") ? 2 : 1
            }
            end = min(end, source.count)
            take(.string, end < source.count && source[end] == quote ? end + 1 : end)
        }

        private mutating func comment() {
            let end =
                longBracket(from: at + 2) ?? source[at...].firstIndex(of: UInt8(ascii: "\n")) ?? source.count
            line += source[at..<end].count { $0 == UInt8(ascii: "\n") }
            at = end
        }

        /// The end of the long bracket (`[[ … ]]`, `[=[ … ]=]`) that begins here; nil when none does, or it has no end.
        private func longBracket(from start: Int) -> Int? {
            guard start < source.count, source[start] == UInt8(ascii: "[") else { return nil }
            let second = end(from: start + 1) { $0 == UInt8(ascii: "=") }
            guard second < source.count, source[second] == UInt8(ascii: "[") else { return nil }
            let closing =
                [UInt8(ascii: "]")] + Array(repeating: UInt8(ascii: "="), count: second - start - 1)
                + [UInt8(ascii: "]")]
            var end = second + 1
            while end < source.count {
                if source[end] == UInt8(ascii: "]"), source[end...].starts(with: closing) { return end + closing.count }
                end += 1
            }
            return nil
        }
    }
}
