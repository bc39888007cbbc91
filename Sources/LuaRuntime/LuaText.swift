/// Text that leaves a script, which may have made it as long as its memory allows.
package enum LuaText {
    /// Bytes of a text that leaves a script. What is longer is cut.
    package static let longest = 8 << 10

    /// The text, or its beginning and its length: "xxx… (50,000,000 bytes)". Looks at no more than what it returns.
    package static func cut(_ bytes: UnsafeRawBufferPointer) -> String {
        guard bytes.count > longest else { return String(decoding: bytes, as: UTF8.self) }
        var end = longest
        // Not within a character: the bytes of UTF-8 that go on with one begin with the bits 10, at most three of them.
        while end > longest - 3, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return "\(String(decoding: bytes[..<end], as: UTF8.self))… (\(size(bytes.count)))"
    }

    /// "50,000,000 bytes".
    package static func size(_ bytes: Int) -> String { "\(grouped(bytes)) bytes" }

    /// As `cut`, for a text that was put together of several.
    package static func cut(_ text: String) -> String {
        var text = text
        return text.utf8.count > longest ? text.withUTF8 { cut(UnsafeRawBufferPointer($0)) } : text
    }

    /// "50,000,000".
    private static func grouped(_ number: Int) -> String {
        let digits = String(number)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}
