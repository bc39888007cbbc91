import AgentModel
import NIOCore
import Testing

/// Dead letters as they are kept, and the bytes in them.
@Suite struct DeadLetterTests {
    @Test(
        "Base64 is RFC 4648's",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func base64(text: String, encoded: String) {
        #expect(Array(text.utf8).withUnsafeBytes(Base64.text(of:)) == encoded)
        #expect(Base64.bytes(of: encoded) == Array(text.utf8))
    }

    @Test("every byte goes through Base64, and what is none is refused")
    func allBytes() {
        let bytes = (0..<259).map { UInt8(truncatingIfNeeded: $0) }
        #expect(Base64.bytes(of: bytes.withUnsafeBytes(Base64.text(of:))) == bytes)
        for text in ["A", "AB", "ABC", "AB=C", "A===", "AB!=", "ABCDE"] { #expect(Base64.bytes(of: text) == nil) }
    }

    @Test(
        "bytes on a way that is JSON: text as a string, anything else in Base64",
        arguments: [
            (Array("é\"".utf8), #""é\"""#), ([], "\"\""), ([0xFF, 0xFE], #"{"encoding":"base64","base64":"//4="}"#),
            ([0xC3], #"{"encoding":"base64","base64":"ww=="}"#),
        ] as [([UInt8], String)])
    func textWay(bytes: [UInt8], json: String) {
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes { buffer.writeJSON(ofBytes: $0) }
        #expect(String(buffer: buffer) == json)
    }

    @Test(
        "a kept record is the same one again, null and empty apart",
        arguments: [
            (nil, nil), (ByteBuffer(), ByteBuffer()), (ByteBuffer(bytes: [0, 255]), ByteBuffer(string: "v\n")),
        ] as [(ByteBuffer?, ByteBuffer?)])
    func record(key: ByteBuffer?, value: ByteBuffer?) throws {
        let headers: [MessageHeader] = [
            .init(name: "a", value: [1]), .init(name: "a", value: [0xFF]), .init(name: "empty", value: []),
            .init(name: "none", value: nil),
        ]
        let kept = KeptLetter(
            id: "i", time: 1_767_323_045_678, reason: "too large",
            letter: DeadLetter(
                .kafka,
                Record(
                    topic: "t.dlq", key: key, value: value, headers: headers,
                    options: [Record.Option("partition", .integer(3))])))
        let line = kept.json()
        #expect(!line.readableBytesView.contains(UInt8(ascii: "\n")))
        let read = try #require(KeptLetter(line: line))
        #expect((read.id, read.time, read.reason) == ("i", 1_767_323_045_678, "too large"))
        let record = read.letter.record
        #expect(read.letter.transport == .kafka && record.topic == "t.dlq" && record.integer("partition") == 3)
        #expect(record.key == key && record.value == value && record.headers == headers)
    }

    @Test("a kept publication is the same one again")
    func publication() throws {
        let kept = KeptLetter(
            id: "i", time: 0, reason: "",
            letter: DeadLetter(
                .mqtt,
                Record(
                    topic: "dlq/a/b", value: ByteBuffer(bytes: [0xFE]),
                    options: [Record.Option("qos", .integer(2)), Record.Option("retain", .flag(true))])))
        let read = try #require(KeptLetter(line: kept.json())).letter
        #expect(read.transport == .mqtt && read.topic == "dlq/a/b")
        #expect(read.record.value == ByteBuffer(bytes: [0xFE]))
        #expect(read.record.integer("qos") == 2 && read.record.flag("retain") == true)
    }

    @Test("a letter that an earlier release has kept is read")
    func earlier() throws {
        let line = #"""
            {"id":"i","time":"2026-01-02T03:04:05.000Z","reason":"r","broker":"kafka","topic":"t.dlq","partition":null,\#
            "key":null,"value":"dg==","headers":[]}
            """#.replacing("\\\n", with: "")
        let letter = try #require(KeptLetter(line: ByteBuffer(string: line))).letter
        #expect(letter.transport == .kafka && letter.record.options.isEmpty)
        #expect(letter.record.value == ByteBuffer(string: "v"))
    }

    @Test(
        "what is no letter is none",
        arguments: ["", "{}", "[]", #"{"id":"i","time":"2026-01-02T03:04:05Z","topic":"t","broker":"x"}"#])
    func malformed(line: String) {
        #expect(KeptLetter(line: ByteBuffer(string: line)) == nil)
    }
}
