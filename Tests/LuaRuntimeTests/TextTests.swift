import LuaRuntime
import Testing

@Suite struct TextTests {
    @Test("an error's text is cut at 8 KiB, with its length")
    func error() throws {
        let script = try Script()
        let error = try script.failure("error(('x'):rep(50000000))")
        #expect(error.message.hasPrefix("test.lua:1: xxx"))
        #expect(error.message.hasSuffix("xxx… (50,000,012 bytes)"))
        #expect(error.message.utf8.count < 8192 + 32)
    }

    @Test("a text of 8 KiB is whole, one more is cut, and never within a character")
    func edges() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        stack.push(String(repeating: "x", count: 8192))
        #expect(stack.string(at: -1)?.utf8.count == 8192 && !stack.isCut(at: -1))
        stack.push(String(repeating: "x", count: 8193))
        #expect(stack.string(at: -1) == String(repeating: "x", count: 8192) + "… (8,193 bytes)" && stack.isCut(at: -1))
        for prefix in ["", "a", "ab", "abc"] {
            stack.push(prefix + String(repeating: "🦊", count: 3000))
            let text = try #require(stack.string(at: -1))
            #expect(text.hasSuffix("🦊… (\((12_000 + prefix.utf8.count) / 1000),00\(prefix.utf8.count) bytes)"))
            #expect(!text.contains("\u{FFFD}"))
        }
        [UInt8](repeating: 0x80, count: 9000).withUnsafeBytes { stack.push($0) }
        #expect(stack.string(at: -1)?.hasSuffix("… (9,000 bytes)") == true)
        #expect(stack.displayString(at: -1) == stack.string(at: -1))
        #expect(LuaText.cut(String(repeating: "é", count: 5000)).hasSuffix("é… (10,000 bytes)"))
        #expect(LuaText.cut("short") == "short")
    }

    @Test("a name in a message is cut where the bridge makes the message")
    func names() throws {
        let script = try Script()
        let error = try script.failure("local t = {} t[('n'):rep(1000000)] = print encode(t)")
        #expect(error.message.utf8.count < 300, "\(error.message.utf8.count)")
        #expect(try script.failure("return _ENV[('n'):rep(1000000)]").message.utf8.count < 600)
    }
}
