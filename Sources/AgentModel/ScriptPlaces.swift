/// Where in a script an error was raised, as Lua writes it in front of its message: `health.lua:12: `.
///
/// It is for the log. A client can do nothing with it, and it tells what the files of the host are called.
package enum ScriptPlaces {
    /// The message without its places, also those of the errors that were raised again with more words around them, and
    /// without a traceback that a script has put behind it.
    ///
    /// - Parameter script: the script's name, which need not end with `.lua`.
    package static func removed(from message: String, script: String) -> String {
        var bytes = Array(message.utf8)[...]
        if let end = bytes.firstRange(of: Array("\nstack traceback:".utf8)) { bytes = bytes[..<end.lowerBound] }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var isAtWord = true
        while let byte = bytes.first {
            if isAtWord, let length = place(at: bytes, script: Array(script.utf8)) {
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
    private static func place(at bytes: ArraySlice<UInt8>, script: [UInt8]) -> Int? {
        for name in [script.count, wordEnd(bytes), chunkEnd(bytes)] {
            guard let name, name > 0, bytes.count > name else { continue }
            let word = bytes.prefix(name)
            guard word.elementsEqual(script) || word.ends(with: ".lua") || word.first == UInt8(ascii: "[") else {
                continue
            }
            let line = bytes.dropFirst(name + 1).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let end = bytes.dropFirst(name + 1 + line.count).prefix(2)
            if bytes[bytes.startIndex + name] == UInt8(ascii: ":"), !line.isEmpty, end.elementsEqual(": ".utf8) {
                return name + 1 + line.count + 2
            }
        }
        return nil
    }

    /// Up to the first `:` of a word.
    private static func wordEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        bytes.prefix { $0 > 0x20 && !":('\"".utf8.contains($0) }.count
    }

    /// Up to the end of `[string "…"]`, the name of what was given to `load`.
    private static func chunkEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.starts(with: Array("[string \"".utf8)) else { return nil }
        // Lua cuts such a name at its first line's end, and at 60 bytes.
        return bytes.prefix(80).firstRange(of: Array("\"]".utf8)).map { $0.upperBound - bytes.startIndex }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func ends(with text: StaticString) -> Bool {
        count > text.utf8CodeUnitCount
            && suffix(text.utf8CodeUnitCount).elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
