/// What was probably meant where a script reads a global that is not there while it loads.
enum LoadHint {
    /// For a message "file:line: undefined global 'name'" about the file of that name; nil when there is nothing to say.
    static func text(for message: String, in source: [UInt8], named file: String) -> String? {
        let opening = "\(file):"
        guard message.hasPrefix(opening), message.hasSuffix("'") else { return nil }
        let parts = message.dropFirst(opening.count).split(separator: ": undefined global '", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]) else { return nil }
        let name = parts[1].dropLast()
        let lines = source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard number >= 1, number <= lines.count else { return nil }
        if trimmed(lines[number - 1]).hasPrefix("//") { return "a comment begins with -- in Lua" }
        for (offset, line) in lines.dropFirst(number).prefix(10_000).enumerated() where declares(name, trimmed(line)) {
            return "line \(number + 1 + offset) declares it as a local, which is known from there on: move that up"
        }
        return nil
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> Substring {
        Substring(String(decoding: line.prefix(1024), as: UTF8.self)).drop { $0 == " " || $0 == "\t" }
    }

    private static func declares(_ name: Substring, _ line: Substring) -> Bool {
        for opening in ["local function ", "local "] where line.hasPrefix(opening + name) {
            let next = line.dropFirst(opening.count + name.count).first
            return next.map { !($0.isLetter || $0.isNumber || $0 == "_") } ?? true
        }
        return false
    }
}
