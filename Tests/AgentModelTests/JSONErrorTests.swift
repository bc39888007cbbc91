import AgentModel
import NIOCore
import Testing

@Suite struct JSONErrorTests {
    /// What Python 3.11 says of the same documents, positions in bytes.
    static let pythonFaults: [(String, String, Int)] = [
        ("", "Expecting value", 0),
        (" ", "Expecting value", 1),
        ("{", "Expecting property name enclosed in double quotes", 1),
        ("[", "Expecting value", 1),
        ("[1", "Expecting ',' delimiter", 2),
        ("[1,", "Expecting value", 3),
        ("[1,]", "Expecting value", 3),
        ("[,1]", "Expecting value", 1),
        ("[1 2]", "Expecting ',' delimiter", 3),
        ("{\"a\"", "Expecting ':' delimiter", 4),
        ("{\"a\":", "Expecting value", 5),
        ("{\"a\":1", "Expecting ',' delimiter", 6),
        ("{\"a\":1,", "Expecting property name enclosed in double quotes", 7),
        ("{\"a\":1,}", "Expecting property name enclosed in double quotes", 7),
        ("{'a':1}", "Expecting property name enclosed in double quotes", 1),
        ("{a:1}", "Expecting property name enclosed in double quotes", 1),
        ("{\"a\" 1}", "Expecting ':' delimiter", 5),
        ("{\"a\":}", "Expecting value", 5),
        ("{\"a\":1 \"b\":2}", "Expecting ',' delimiter", 7),
        ("{,}", "Expecting property name enclosed in double quotes", 1),
        ("{1:2}", "Expecting property name enclosed in double quotes", 1),
        ("]", "Expecting value", 0),
        ("}", "Expecting value", 0),
        (",", "Expecting value", 0),
        (":", "Expecting value", 0),
        ("\"", "Unterminated string starting at", 0),
        ("\"abc", "Unterminated string starting at", 0),
        ("\"a\\", "Unterminated string starting at", 0),
        ("\"\\\"", "Unterminated string starting at", 0),
        ("\"\\x\"", "Invalid \\escape", 1),
        ("\"\\u12\"", "Invalid \\uXXXX escape", 2),
        ("\"\\u123g\"", "Invalid \\uXXXX escape", 2),
        ("\"\\u1234", "Invalid \\uXXXX escape", 2),
        ("\"\\u", "Invalid \\uXXXX escape", 2),
        ("\"\\ua", "Invalid \\uXXXX escape", 2),
        ("\"a\nb\"", "Invalid control character at", 2),
        ("\"a\0b\"", "Invalid control character at", 2),
        ("\"\u{001f}\"", "Invalid control character at", 1),
        ("tru", "Expecting value", 0),
        ("truee", "Extra data", 4),
        ("True", "Expecting value", 0),
        ("nul", "Expecting value", 0),
        ("nan", "Expecting value", 0),
        ("-", "Expecting value", 0),
        ("+1", "Expecting value", 0),
        ("-a", "Expecting value", 0),
        (".5", "Expecting value", 0),
        ("1.", "Extra data", 1),
        ("01", "Extra data", 1),
        ("-01", "Extra data", 2),
        ("1e", "Extra data", 1),
        ("1e+", "Extra data", 1),
        ("1.e1", "Extra data", 1),
        ("0x10", "Extra data", 1),
        ("1 2", "Extra data", 2),
        ("{} {}", "Extra data", 3),
        ("[] x", "Extra data", 3),
        ("[1}", "Expecting ',' delimiter", 2),
        ("{\"a\":1]", "Expecting ',' delimiter", 6),
        ("[1,\n\t2,,]", "Expecting value", 7),
        ("\"a\" \"b\"", "Extra data", 4),
        ("[\"a\\qb\"]", "Invalid \\escape", 3),
        ("{\"a\":{\"b\":[1,2,{\"c\":tru}]}}", "Expecting value", 20),
        ("[[[]", "Expecting ',' delimiter", 4),
        ("//x", "Expecting value", 0),
        ("[1]//", "Extra data", 3),
        ("\u{feff}{}", "Unexpected UTF-8 BOM (decode using utf-8-sig)", 0),
        ("\0", "Expecting value", 0),
        ("[\0]", "Expecting value", 1),
        ("\u{00a0}[]", "Expecting value", 0),
        ("[\u{000b}1]", "Expecting value", 1),
        ("\"\u{007f}\"x", "Extra data", 3),
        ("{\"key\": \"unterminated", "Unterminated string starting at", 8),
        ("{\"query\": \"q\", \"parameters\": }", "Expecting value", 29),
        ("{\"é\": ü}", "Expecting value", 7),
        ("\"\\u00e9\" x", "Extra data", 9),
    ]

    @Test("a fault is worded and placed as Python does it", arguments: pythonFaults)
    func faults(document: String, message: String, offset: Int) {
        let expected = JSONError(message: message, offset: offset)
        #expect(throws: expected) { try JSONValue(parsing: document) }
        #expect(throws: expected) { try JSONScanner.validate(ByteBuffer(string: document)) }
        #expect(throws: expected) { try JSONScanner.members(of: ByteBuffer(string: document)) }
    }

    @Test(
        "what Python allows beyond RFC 8259 is refused",
        arguments: [
            ("NaN", "Expecting value", 0), ("[Infinity]", "Expecting value", 1), ("-Infinity", "Expecting value", 0),
            (#""\ud800""#, "Invalid \\uXXXX escape: unpaired surrogate", 2),
            (#""a\udc00""#, "Invalid \\uXXXX escape: unpaired surrogate", 3),
            (#""\ud800\u0041""#, "Invalid \\uXXXX escape: unpaired surrogate", 2),
            (#""\ud800\n""#, "Invalid \\uXXXX escape: unpaired surrogate", 2),
            ("1e400", "Number out of range", 0), ("[-1e999]", "Number out of range", 1),
            ("1" + String(repeating: "0", count: 400), "Number out of range", 0),
        ])
    func strictness(document: String, message: String, offset: Int) {
        let expected = JSONError(message: message, offset: offset)
        #expect(throws: expected) { try JSONValue(parsing: document) }
        #expect(throws: expected) { try JSONScanner.validate(ByteBuffer(string: document)) }
    }

    @Test(
        "a document that is not UTF-8 is told by its first wrong byte, before any other fault",
        arguments: [
            ([0x22, 0x80, 0x22], 1), ([0x22, 0x61, 0xC0, 0xAF, 0x22], 2), ([0x22, 0xC3, 0x22], 1),
            ([0x22, 0xE0, 0x80, 0x80, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1), ([0x22, 0xE2, 0x82], 1),
            ([0x22, 0xF0, 0x80, 0x80, 0x80, 0x22], 1), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1),
            ([0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], 1), ([0x22, 0xFF, 0x22], 1), ([0xFE, 0xFF, 0x00], 0),
            ([0x5B, 0x5D, 0xFF], 2), ([0x5B, 0x7D, 0x20, 0x22, 0xFF, 0x22], 4), ([0x22, 0x61, 0x22, 0x78, 0xC1], 4),
        ] as [([UInt8], Int)])
    func invalidUTF8(bytes: [UInt8], offset: Int) {
        let expected = JSONError(message: "Invalid UTF-8", offset: offset, isUTF8Error: true)
        #expect(throws: expected) { try JSONValue(parsing: ByteBuffer(bytes: bytes)) }
        #expect(throws: expected) { try JSONScanner.validate(ByteBuffer(bytes: bytes)) }
    }

    @Test("128 arrays or objects within one another are read, 129 are refused")
    func depth() throws {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            func nested(_ depth: Int) -> String {
                let inner = open == "[" ? "" : "1"
                return String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
            }
            #expect(try JSONValue(parsing: nested(128)).description == nested(128))
            try JSONScanner.validate(ByteBuffer(string: nested(128)))
            let expected = JSONError(message: "Nested deeper than 128 levels", offset: 128 * open.utf8.count)
            #expect(throws: expected) { try JSONValue(parsing: nested(129)) }
            #expect(throws: expected) { try JSONScanner.members(of: ByteBuffer(string: nested(129))) }
            #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: open, count: 100_000)) }
        }
    }

    @Test("an error describes itself with its position")
    func description() {
        #expect(JSONError(message: "Expecting value", offset: 3).description == "Expecting value at byte 3")
        let unterminated = JSONError(message: "Unterminated string starting at", offset: 0)
        #expect(unterminated.description == "Unterminated string starting at byte 0")
    }
}
