/// Where in a script an error was raised, as Lua writes it in front of its message: `health.lua:12: `.
///
/// It is for the log. A client can do nothing with it, and it tells what the files of the host are called.
package enum ScriptPlaces {
    /// The message without its places, also those of the errors that were raised again with more words around them, and
    /// without a traceback that a script has put behind it. What else looks like a place is the script's own text.
    ///
    /// - Parameter files: the names of the script and of its modules, which need not end with `.lua`.
    package static func removed(from message: String, files: some Sequence<String>) -> String {
        let files = files.map { Array($0.utf8) }
        var bytes = Array(message.utf8)[...]
        if let end = bytes.firstRange(of: Array("\nstack traceback:".utf8)) { bytes = bytes[..<end.lowerBound] }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var isAtWord = true
        while let byte = bytes.first {
            if isAtWord, let length = place(at: bytes, files: files) {
                bytes = bytes.dropFirst(length)
                continue
            }
            kept.append(byte)
            isAtWord = " \n\t('\"".utf8.contains(byte)
            bytes = bytes.dropFirst()
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// The length of the place that the bytes begin with; nil when they begin with none.
    private static func place(at bytes: ArraySlice<UInt8>, files: [[UInt8]]) -> Int? {
        var names = files.filter { bytes.starts(with: $0) }.map(\.count)
        if let end = chunkEnd(bytes) ?? shortenedEnd(bytes, files: files) { names.append(end) }
        for name in names where name > 0 && bytes.count > name && bytes[bytes.startIndex + name] == UInt8(ascii: ":") {
            let line = bytes.dropFirst(name + 1).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let end = bytes.dropFirst(name + 1 + line.count).prefix(2)
            if !line.isEmpty, end.elementsEqual(": ".utf8) { return name + 1 + line.count + 2 }
        }
        return nil
    }

    /// Up to the first `:` behind `...`, in whose place Lua leaves out the beginning of a long name (luaO_chunkid).
    private static func shortenedEnd(_ bytes: ArraySlice<UInt8>, files: [[UInt8]]) -> Int? {
        guard bytes.starts(with: "...".utf8) else { return nil }
        let end = bytes.prefix { $0 != UInt8(ascii: ":") }
        let tail = end.dropFirst(3)
        return files.contains { $0.count > tail.count && $0.suffix(tail.count).elementsEqual(tail) } ? end.count : nil
    }

    /// Up to the end of `[string "…"]`, the name of what was given to `load`.
    private static func chunkEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.starts(with: Array("[string \"".utf8)) else { return nil }
        // Lua cuts such a name at its first line's end, and at 60 bytes.
        return bytes.prefix(80).firstRange(of: Array("\"]".utf8)).map { $0.upperBound - bytes.startIndex }
    }
}
